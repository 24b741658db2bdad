package bus

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"fairlead"
	"fairlead/internal/pki"
)

// JoinRequest is what a node asks to be let in with.
type JoinRequest struct {
	Token   fairlead.Hash // of the secret
	Name    string        // that the token was made for, as the node says
	Region  string
	Public  []byte // X25519, for the fleet's key
	Request []byte // PKCS #10, for the certificate
}

// JoinAnswer is what a node is let in with.
type JoinAnswer struct {
	Node        fairlead.Node `json:"node"`
	Certificate []byte        `json:"certificate"` // DER
	Addresses   []string      `json:"addresses"`   // of control nodes' buses
}

// Joiner lets nodes in. Control implements it; Admission does for a store.
type Joiner interface {
	// Join uses the token up, seals the fleet's key to the node and signs its certificate.
	Join(ctx context.Context, r JoinRequest) (JoinAnswer, error)
	// Renew signs the next certificate for a node that is a member.
	Renew(ctx context.Context, name string, request []byte) (certificate []byte, err error)
}

// joinPlain is a request before it is sealed.
type joinPlain struct {
	Secret  string `json:"secret"`
	Region  string `json:"region"`
	Public  []byte `json:"public"`
	Request []byte `json:"request"`
}

// ServeJoins lets nodes in, and renews the certificates of those that are, until ctx ends.
func ServeJoins(ctx context.Context, b *Bus, authority *pki.Authority, j Joiner) error {
	door, err := newDoor(authority)
	if err != nil {
		return err
	}
	d := newDesk(ctx, b, 4)
	defer d.close()
	join := func(ctx context.Context, name string, body []byte) ([]byte, error) {
		return door.open(body, func(plain []byte) ([]byte, error) {
			var p joinPlain
			if json.Unmarshal(plain, &p) != nil {
				return nil, errFrame
			}
			a, err := j.Join(ctx, JoinRequest{HashSecret(p.Secret), name, p.Region, p.Public, p.Request})
			if err != nil {
				return nil, err
			}
			return json.Marshal(a)
		})
	}
	for _, t := range []struct {
		subject string
		do      work
	}{
		{subjectJoin("*"), join},
		{subjectUp("*", "renew"), j.Renew},
	} {
		if err := d.take(t.subject, queueControl, t.do); err != nil {
			return err
		}
	}
	// One that asks for the door has no right to speak yet in anybody's name; its answer goes to an inbox all the same.
	stop, err := b.subscribe(subjectHello, queueControl, func(m *nats.Msg) {
		if validInbox(m.Reply) {
			_ = b.conn.Publish(m.Reply, answer(door.sign, nil))
		}
	})
	if err != nil {
		return err
	}
	defer stop()
	<-ctx.Done()
	return nil
}

// JoinOptions say how a node joins.
type JoinOptions struct {
	Dir    string // the data folder, where the identity is kept
	Region string
	Log    *slog.Logger
	Clock  func() time.Time
	// NATS and Credentials: as in Options, where the fleet uses an existing cluster.
	NATS        string
	Credentials string
}

// Join has a node let in by its token, and keeps who it is then in the data folder. The fleet is known by the hash in
// the token before anything of it is shown, whichever way there is. A token works once: where the answer was lost, a
// new one is needed.
func Join(ctx context.Context, text string, o JoinOptions) (*Identity, error) {
	t, err := ParseToken(text)
	if err != nil {
		return nil, err
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	box, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	key, err := pki.NewKey()
	if err != nil {
		return nil, err
	}
	request, err := key.Request()
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(joinPlain{t.Secret, o.Region, box.PublicKey().Bytes(), request})
	if err != nil {
		return nil, err
	}
	authority, body, err := o.knock(ctx, t, plain)
	if err != nil {
		return nil, err
	}
	var a JoinAnswer
	if json.Unmarshal(body, &a) != nil || a.Node.Name != t.Name {
		return nil, fmt.Errorf("join the fleet: %w", errFrame)
	}
	pair, err := key.Pair(a.Certificate, authority)
	if err != nil {
		return nil, fmt.Errorf("join the fleet: %w", err)
	}
	id := &Identity{
		Name: t.Name, Region: a.Node.Region, Addresses: bothOf(t.Addresses, a.Addresses), Box: box.Bytes(), Sealed: a.Node.Sealed,
		path: filepath.Join(o.Dir, IdentityFile), fresh: true,
	}
	return id, id.set(pair)
}

// bothOf is where the node can go: where it came in, and where the control node is that answered, which may be another.
func bothOf(token, answer []string) []string {
	list := append(slices.Clone(token), answer...)
	slices.Sort(list)
	return slices.Compact(list)
}

// knock asks to be let in, and gives the authority's certificate with the answer.
func (o *JoinOptions) knock(ctx context.Context, t Token, plain []byte) (authority, body []byte, err error) {
	target, own := o.NATS, []nats.Option{nats.NoReconnect()}
	switch {
	case o.NATS == "" && len(t.Addresses) == 0:
		return nil, nil, errors.New("join the fleet: the token names no address; the fleet uses an existing NATS cluster, which has to be named")
	case o.NATS == "":
		target = serverURLs(t.Addresses)
		own = append(own, nats.Secure(pki.Pinned(t.Authority, o.Clock)), nats.UserInfo(userJoin, t.Secret))
	case o.Credentials != "":
		own = append(own, nats.UserCredentials(o.Credentials))
	}
	conn, err := dial(target, t.Name, o.Log, own...)
	switch {
	case errors.Is(err, nats.ErrAuthorization):
		return nil, nil, &fairlead.Error{Code: fairlead.CodeInvalidKey, Message: "the join token was used, has expired or is not of this fleet", Err: err}
	case err != nil:
		return nil, nil, fmt.Errorf("join the fleet: %w", hideURL(err))
	}
	defer conn.Close()
	ask := func(subject string, body []byte) ([]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, 2*serveTimeout)
		defer cancel()
		var m *nats.Msg
		// A control node lets in before it answers, where it has just begun.
		err := again(ctx, func() (err error) {
			if m, err = conn.RequestWithContext(ctx, subject, body); errors.Is(err, nats.ErrNoResponders) {
				return &fairlead.Error{Code: fairlead.CodeControlUnavailable, Message: "no control node lets nodes in now", Err: err}
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("join the fleet: %w", err)
		}
		return readAnswer(m.Data)
	}
	sign, err := ask(subjectHello, nil)
	if err != nil {
		return nil, nil, err
	}
	knocker, err := newKnocker(sign, t.Authority)
	if err != nil {
		return nil, nil, fmt.Errorf("join the fleet: %w", err)
	}
	sealed, err := knocker.seal(plain)
	if err != nil {
		return nil, nil, err
	}
	answered, err := ask(subjectJoin(t.Name), sealed)
	if err != nil {
		return nil, nil, err
	}
	body, err = knocker.open(answered)
	return knocker.authority, body, err
}
