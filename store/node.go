package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"fairlead"
)

const nodeColumns = `name, role, region, added, joined, removed, public, certificate, sealed`

func scanNode(r scanner) (n fairlead.Node, err error) {
	var added int64
	var joined, removed sql.NullInt64
	err = r.Scan(&n.Name, (*string)(&n.Role), &n.Region, &added, &joined, &removed, &n.Public, scanHash(&n.Certificate), &n.Sealed)
	n.Added, n.Joined, n.Removed = fromMicros(added), fromNull(joined), fromNull(removed)
	return n, err
}

var (
	errNoNode  = &fairlead.Error{Code: fairlead.CodeNotFound, Message: "no node has this name", Hint: "fairlead nodes lists them"}
	errNoToken = &fairlead.Error{
		Code:    fairlead.CodeInvalidKey,
		Message: "the token to join with is unknown, used or expired",
		Hint:    "remove the node and add it again: that prints a new one",
	}
)

// AddNode makes a node known that has not joined yet, and until when it may join with which token. A name in use gives
// CodeConflict; that of a removed node may be used again.
func (s *Store) AddNode(ctx context.Context, n fairlead.Node, token fairlead.Hash, expires time.Time, act fairlead.Act) (fairlead.Change, error) {
	w, err := s.write(ctx, "add node", act, func(ctx context.Context, w *writer) error {
		have, found, err := w.node(ctx, n.Name)
		if err != nil {
			return err
		}
		if found && have.Removed.IsZero() {
			return &fairlead.Error{
				Code: fairlead.CodeConflict, Message: "a node has this name already",
				Hint: "choose another, or shut that one out first: fairlead nodes remove NAME",
			}
		}
		if err := w.putNode(ctx, n, token[:], nullMicros(expires)); err != nil {
			if s.engine.Failure(err) == FailureTaken {
				return fairlead.Errorf(fairlead.CodeConflict, "a node has this token already")
			}
			return err
		}
		return nil
	})
	if err != nil {
		return fairlead.Change{}, err
	}
	return w.change, nil
}

// JoinNode uses up a token: its node has joined at a time, with public key, certificate, sealed key and, where it names one,
// region of n. A token that is unknown, used or expired gives CodeInvalidKey.
func (s *Store) JoinNode(ctx context.Context, token fairlead.Hash, now time.Time, n fairlead.Node, act fairlead.Act) (joined fairlead.Node, c fairlead.Change, err error) {
	w, err := s.write(ctx, "join node", act, func(ctx context.Context, w *writer) (err error) {
		if joined, err = nodeByToken(ctx, w.tx, token, now); err != nil {
			return err
		}
		joined.Public, joined.Certificate, joined.Sealed, joined.Joined = n.Public, n.Certificate, n.Sealed, moment(now)
		if n.Region != "" {
			joined.Region = n.Region
		}
		return w.putNode(ctx, joined, nil, sql.NullInt64{})
	})
	if err != nil {
		return fairlead.Node{}, fairlead.Change{}, err
	}
	return joined, w.change, nil
}

// SetNode stores a node as it is: a control node makes itself known. Of a node that is there already the time when it was added stays, and
// where nothing else differs nothing is changed and the change is zero.
func (s *Store) SetNode(ctx context.Context, n fairlead.Node, act fairlead.Act) (fairlead.Change, error) {
	w, err := s.write(ctx, "store node", act, func(ctx context.Context, w *writer) error {
		n := n
		have, found, err := w.node(ctx, n.Name)
		if err != nil {
			return err
		}
		if found && have.Removed.IsZero() {
			n.Added = have.Added
			if !have.Joined.IsZero() {
				n.Joined = have.Joined
			}
			if reflect.DeepEqual(normal(n), have) {
				return errNothing
			}
		}
		return w.putNode(ctx, n, nil, sql.NullInt64{})
	})
	if err != nil {
		return fairlead.Change{}, err
	}
	return w.change, nil
}

// RemoveNode makes a node a tombstone: its token and its share of the fleet's key are gone. Again, it gives the node as it is
// and a zero change. An unknown name gives CodeNotFound.
func (s *Store) RemoveNode(ctx context.Context, name string, act fairlead.Act) (n fairlead.Node, c fairlead.Change, err error) {
	w, err := s.write(ctx, "remove node", act, func(ctx context.Context, w *writer) (err error) {
		var found bool
		if n, found, err = w.node(ctx, name); err != nil {
			return err
		}
		if !found {
			return errNoNode
		}
		if !n.Removed.IsZero() {
			return errNothing
		}
		n.Removed, n.Sealed = w.act.At, nil
		return w.putNode(ctx, n, nil, sql.NullInt64{})
	})
	if err != nil {
		return fairlead.Node{}, fairlead.Change{}, err
	}
	return n, w.change, nil
}

// Nodes lists all nodes by name, removed ones included.
func (s *Store) Nodes(ctx context.Context) (all []fairlead.Node, err error) {
	err = s.read(ctx, "list nodes", func(ctx context.Context, q querier) (err error) {
		all, err = list(ctx, q, scanNode, `SELECT `+nodeColumns+` FROM nodes`)
		return err
	})
	byName(all, func(n *fairlead.Node) string { return n.Name })
	return all, err
}

// NodeByToken gives the node that may join with a token, and leaves the token as it is. One that is unknown, used or expired gives CodeInvalidKey.
func (s *Store) NodeByToken(ctx context.Context, token fairlead.Hash, now time.Time) (n fairlead.Node, err error) {
	err = s.read(ctx, "look up token", func(ctx context.Context, q querier) (err error) {
		n, err = nodeByToken(ctx, q, token, now)
		return err
	})
	return n, err
}

func nodeByToken(ctx context.Context, q querier, token fairlead.Hash, now time.Time) (fairlead.Node, error) {
	n, err := scanNode(q.QueryRowContext(ctx, `SELECT `+nodeColumns+` FROM nodes WHERE token = $1 AND expires > $2`, token[:], now.UnixMicro()))
	if errors.Is(err, sql.ErrNoRows) {
		return n, errNoToken
	}
	if err != nil {
		return n, fmt.Errorf("look up token: %w", err)
	}
	return n, nil
}

func (w *writer) node(ctx context.Context, name string) (n fairlead.Node, found bool, err error) {
	n, err = scanNode(w.tx.QueryRowContext(ctx, `SELECT `+nodeColumns+` FROM nodes WHERE name = $1`, name))
	if errors.Is(err, sql.ErrNoRows) {
		return n, false, nil
	}
	if err != nil {
		return n, false, fmt.Errorf("read node: %w", err)
	}
	return n, true, nil
}

// putNode stores a node with its token, and tells the log.
func (w *writer) putNode(ctx context.Context, n fairlead.Node, token []byte, expires sql.NullInt64) error {
	if err := storable(n.Name, string(n.Role), n.Region); err != nil {
		return err
	}
	n = normal(n)
	var certificate []byte
	if n.Certificate != (fairlead.Hash{}) {
		certificate = n.Certificate[:]
	}
	_, err := w.tx.ExecContext(ctx, `INSERT INTO nodes (`+nodeColumns+`, token, expires) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (name) DO UPDATE SET role = excluded.role, region = excluded.region, added = excluded.added, joined = excluded.joined,
			removed = excluded.removed, public = excluded.public, certificate = excluded.certificate, sealed = excluded.sealed,
			token = excluded.token, expires = excluded.expires`,
		n.Name, string(n.Role), n.Region, n.Added.UnixMicro(), nullMicros(n.Joined), nullMicros(n.Removed),
		n.Public, certificate, n.Sealed, token, expires)
	if err != nil {
		return fmt.Errorf("keep node: %w", err)
	}
	_, err = w.append(ctx, fairlead.ChangeNode, &n)
	return err
}

// normal is a node as it is read back.
func normal(n fairlead.Node) fairlead.Node {
	n.Added, n.Joined, n.Removed = moment(n.Added), moment(n.Joined), moment(n.Removed)
	for _, b := range []*[]byte{&n.Public, &n.Sealed} {
		if len(*b) == 0 {
			*b = nil
		}
	}
	return n
}

// byName sorts by the bytes of names, for databases sort text each in a way of its own.
func byName[T any](all []T, name func(*T) string) {
	slices.SortFunc(all, func(a, b T) int { return strings.Compare(name(&a), name(&b)) })
}
