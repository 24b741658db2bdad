package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"fairlead"
)

const accountColumns, teamColumns = `id, created, content`, `id, account, created, content`

func scanAccount(r scanner) (a fairlead.Account, err error) {
	var id string
	var created int64
	var content []byte
	if err := r.Scan(&id, &created, &content); err != nil {
		return a, err
	}
	if err = json.Unmarshal(content, &a); err == nil && (a.ID != id || a.Created.UnixMicro() != created) {
		err = fmt.Errorf("the row of the account %s holds another one", id)
	}
	return a, err
}

func scanTeam(r scanner) (t fairlead.Team, err error) {
	var id, account string
	var created int64
	var content []byte
	if err := r.Scan(&id, &account, &created, &content); err != nil {
		return t, err
	}
	if err = json.Unmarshal(content, &t); err == nil && (t.ID != id || t.Account != account || t.Created.UnixMicro() != created) {
		err = fmt.Errorf("the row of the team %s holds another one", id)
	}
	return t, err
}

// CreateAccount stores a new account. An id that is taken gives CodeConflict.
func (s *Store) CreateAccount(ctx context.Context, a fairlead.Account, act fairlead.Act) (fairlead.Change, error) {
	a.Created, a.Closed = moment(a.Created), moment(a.Closed)
	w, err := s.write(ctx, "create account", act, func(ctx context.Context, w *writer) error {
		content, err := encode(&a)
		if err != nil {
			return err
		}
		_, err = w.tx.ExecContext(ctx, `INSERT INTO accounts (`+accountColumns+`) VALUES ($1, $2, $3)`, a.ID, a.Created.UnixMicro(), string(content))
		if err != nil {
			return s.taken(err, "an account with this id exists already")
		}
		_, err = w.append(ctx, fairlead.ChangeAccount, fairlead.AccountContent{Accounts: []fairlead.Account{a}})
		return err
	})
	if err != nil {
		return fairlead.Change{}, err
	}
	return w.change, nil
}

// CreateTeam stores a new team of an account that is there and open, else CodeNotFound or CodeConflict.
func (s *Store) CreateTeam(ctx context.Context, t fairlead.Team, act fairlead.Act) (fairlead.Change, error) {
	t.Created, t.Closed = moment(t.Created), moment(t.Closed)
	w, err := s.write(ctx, "create team", act, func(ctx context.Context, w *writer) error {
		if _, err := openAccount(ctx, w.tx, t.Account); err != nil {
			return err
		}
		content, err := encode(&t)
		if err != nil {
			return err
		}
		_, err = w.tx.ExecContext(ctx, `INSERT INTO teams (`+teamColumns+`) VALUES ($1, $2, $3, $4)`, t.ID, t.Account, t.Created.UnixMicro(), string(content))
		if err != nil {
			return s.taken(err, "a team with this id exists already")
		}
		_, err = w.append(ctx, fairlead.ChangeAccount, fairlead.AccountContent{Teams: []fairlead.Team{t}})
		return err
	})
	if err != nil {
		return fairlead.Change{}, err
	}
	return w.change, nil
}

func (s *Store) taken(err error, message string) error {
	if s.engine.Failure(err) == FailureTaken {
		return &fairlead.Error{Code: fairlead.CodeConflict, Message: message, Err: err}
	}
	return err
}

// UpdateAccount changes an account by f, which may run again, and gives it as it is then. ID and creation stay. What f leaves as it was
// makes a zero change. An unknown id gives CodeNotFound.
func (s *Store) UpdateAccount(ctx context.Context, id string, act fairlead.Act, f func(*fairlead.Account) error) (a fairlead.Account, c fairlead.Change, err error) {
	w, err := s.write(ctx, "change account", act, func(ctx context.Context, w *writer) (err error) {
		if a, err = readAccount(ctx, w.tx, id); err != nil {
			return err
		}
		next := a
		if err := f(&next); err != nil {
			return err
		}
		next.ID, next.Created, next.Closed = a.ID, a.Created, moment(next.Closed)
		content, err := changed(&a, &next)
		if err != nil {
			return err
		}
		a = next
		if _, err := w.tx.ExecContext(ctx, `UPDATE accounts SET content = $1 WHERE id = $2`, content, id); err != nil {
			return err
		}
		_, err = w.append(ctx, fairlead.ChangeAccount, fairlead.AccountContent{Accounts: []fairlead.Account{a}})
		return err
	})
	if err != nil {
		return fairlead.Account{}, fairlead.Change{}, err
	}
	return a, w.change, nil
}

// UpdateTeam changes a team of an account, as UpdateAccount does an account.
func (s *Store) UpdateTeam(ctx context.Context, account, id string, act fairlead.Act, f func(*fairlead.Team) error) (t fairlead.Team, c fairlead.Change, err error) {
	w, err := s.write(ctx, "change team", act, func(ctx context.Context, w *writer) (err error) {
		if t, err = readTeam(ctx, w.tx, account, id); err != nil {
			return err
		}
		next := t
		if err := f(&next); err != nil {
			return err
		}
		next.ID, next.Account, next.Created, next.Closed = t.ID, t.Account, t.Created, moment(next.Closed)
		content, err := changed(&t, &next)
		if err != nil {
			return err
		}
		t = next
		if _, err := w.tx.ExecContext(ctx, `UPDATE teams SET content = $1 WHERE id = $2`, content, id); err != nil {
			return err
		}
		_, err = w.append(ctx, fairlead.ChangeAccount, fairlead.AccountContent{Teams: []fairlead.Team{t}})
		return err
	})
	if err != nil {
		return fairlead.Team{}, fairlead.Change{}, err
	}
	return t, w.change, nil
}

// changed gives the text of what is to be kept now; errNothing where it is the same as before.
func changed(before, now any) (string, error) {
	was, err := encode(before)
	if err != nil {
		return "", err
	}
	text, err := encode(now)
	if err == nil && bytes.Equal(was, text) {
		return "", errNothing
	}
	return string(text), err
}

// Account gives an account; CodeNotFound where there is none of this id.
func (s *Store) Account(ctx context.Context, id string) (a fairlead.Account, err error) {
	err = s.read(ctx, "read account", func(ctx context.Context, q querier) (err error) {
		a, err = readAccount(ctx, q, id)
		return err
	})
	return a, err
}

// Team gives a team of an account; CodeNotFound where it has none of this id.
func (s *Store) Team(ctx context.Context, account, id string) (t fairlead.Team, err error) {
	err = s.read(ctx, "read team", func(ctx context.Context, q querier) (err error) {
		t, err = readTeam(ctx, q, account, id)
		return err
	})
	return t, err
}

func readAccount(ctx context.Context, q querier, id string) (fairlead.Account, error) {
	a, err := scanAccount(q.QueryRowContext(ctx, `SELECT `+accountColumns+` FROM accounts WHERE id = $1`, id))
	return a, missing(err, "no account has this id", "fairlead account list lists them")
}

func readTeam(ctx context.Context, q querier, account, id string) (fairlead.Team, error) {
	t, err := scanTeam(q.QueryRowContext(ctx, `SELECT `+teamColumns+` FROM teams WHERE id = $1 AND account = $2`, id, account))
	return t, missing(err, "the account has no team of this id", "fairlead account team list ACCOUNT lists them")
}

// openAccount gives an account that new keys and teams may belong to.
func openAccount(ctx context.Context, q querier, id string) (fairlead.Account, error) {
	a, err := readAccount(ctx, q, id)
	if err == nil && !a.Active() {
		err = fairlead.Errorf(fairlead.CodeConflict, "the account is closed")
	}
	return a, err
}

// checkTerms refuses a key whose account or team is not there, or closed.
func checkTerms(ctx context.Context, q querier, k *fairlead.Key) error {
	if k.Account == "" {
		return nil
	}
	if _, err := openAccount(ctx, q, k.Account); err != nil || k.Team == "" {
		return err
	}
	t, err := readTeam(ctx, q, k.Account, k.Team)
	if err == nil && !t.Active() {
		err = fairlead.Errorf(fairlead.CodeConflict, "the team is closed")
	}
	return err
}

// Accounts lists at most limit accounts, closed ones included, in the order of their creation, behind the one with the id after; ""
// begins at the first. An unknown id gives CodeNotFound.
func (s *Store) Accounts(ctx context.Context, after string, limit int) (all []fairlead.Account, err error) {
	err = s.read(ctx, "list accounts", func(ctx context.Context, q querier) error {
		from, err := createdOf(ctx, q, "accounts", "account", after)
		if err != nil {
			return err
		}
		all, err = list(ctx, q, scanAccount, `SELECT `+accountColumns+` FROM accounts WHERE (created, id) > ($1, $2) ORDER BY created, id LIMIT $3`, from, after, max(limit, 0))
		return err
	})
	return all, err
}

// Teams lists teams of an account, as Accounts lists accounts.
func (s *Store) Teams(ctx context.Context, account, after string, limit int) (all []fairlead.Team, err error) {
	err = s.read(ctx, "list teams", func(ctx context.Context, q querier) error {
		if _, err := readAccount(ctx, q, account); err != nil {
			return err
		}
		from, err := createdOf(ctx, q, "teams", "team", after)
		if err != nil {
			return err
		}
		all, err = list(ctx, q, scanTeam, `SELECT `+teamColumns+` FROM teams WHERE account = $1 AND (created, id) > ($2, $3) ORDER BY created, id LIMIT $4`, account, from, after, max(limit, 0))
		return err
	})
	return all, err
}

// AllAccounts gives all accounts and teams, for a whole copy.
func (s *Store) AllAccounts(ctx context.Context) (all fairlead.AccountContent, err error) {
	err = s.read(ctx, "copy accounts", func(ctx context.Context, q querier) (err error) {
		if all.Accounts, err = list(ctx, q, scanAccount, `SELECT `+accountColumns+` FROM accounts`); err != nil {
			return err
		}
		all.Teams, err = list(ctx, q, scanTeam, `SELECT `+teamColumns+` FROM teams`)
		return err
	})
	return all, err
}

// createdOf is when the row to list after was created.
func createdOf(ctx context.Context, q querier, table, what, id string) (created int64, err error) {
	if id == "" {
		return -1 << 62, nil
	}
	err = q.QueryRowContext(ctx, `SELECT created FROM `+table+` WHERE id = $1`, id).Scan(&created)
	if errors.Is(err, sql.ErrNoRows) {
		err = fairlead.Errorf(fairlead.CodeNotFound, "no "+what+" has the id to list after")
	}
	return created, err
}
