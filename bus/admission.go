package bus

import (
	"context"
	"crypto/ecdh"
	"crypto/x509"
	"time"

	"fairlead"
	"fairlead/internal/pki"
)

// AdmissionStore is what an Admission uses of the store.
type AdmissionStore interface {
	Tokens
	JoinNode(ctx context.Context, token fairlead.Hash, now time.Time, node fairlead.Node, act fairlead.Act) (fairlead.Node, fairlead.Change, error)
	Nodes(ctx context.Context) ([]fairlead.Node, error)
}

// Admission lets nodes into the fleet of a store.
type Admission struct {
	Store     AdmissionStore
	Authority *pki.Authority
	// Seal seals the fleet's key to a node's public X25519 key.
	Seal func(name string, public []byte) ([]byte, error)
	// Publish tells of the change that a join makes; nil = nobody.
	Publish   func(fairlead.Change)
	Addresses func() []string // that nodes are told; nil = none beside those of their tokens
	Clock     func() time.Time
}

// Join implements Joiner.
func (a *Admission) Join(ctx context.Context, r JoinRequest) (none JoinAnswer, err error) {
	now := a.Clock().UTC().Truncate(time.Microsecond)
	node, err := a.Store.NodeByToken(ctx, r.Token, now)
	if err != nil {
		return none, err
	}
	if node.Name != r.Name {
		return none, fairlead.Errorf(fairlead.CodeInvalidKey, "the join token is that of another node")
	}
	if _, err := ecdh.X25519().NewPublicKey(r.Public); err != nil || len(r.Region) > 64 {
		return none, fairlead.Errorf(fairlead.CodeInvalidRequest, "the request to join cannot be used")
	}
	// All that can fail comes before the token is used up.
	der, pin, err := a.issue(node, r.Request, now)
	if err != nil {
		return none, err
	}
	node.Public, node.Certificate = r.Public, pin
	if r.Region != "" {
		node.Region = r.Region
	}
	if node.Sealed, err = a.Seal(node.Name, r.Public); err != nil {
		return none, err
	}
	act := fairlead.Act{At: now, By: node.Name, Action: "node.join", Target: node.Name}
	node, change, err := a.Store.JoinNode(ctx, r.Token, now, node, act)
	if err != nil {
		return none, err
	}
	if a.Publish != nil && change.Number > 0 {
		a.Publish(change)
	}
	answer := JoinAnswer{Node: node, Certificate: der}
	if a.Addresses != nil {
		answer.Addresses = soundAddresses(a.Addresses())
	}
	return answer, nil
}

// Renew implements Joiner. The key stays the one that the node joined with, so that no change is needed.
func (a *Admission) Renew(ctx context.Context, name string, request []byte) ([]byte, error) {
	nodes, err := a.Store.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		if n.Name != name || !n.Removed.IsZero() {
			continue
		}
		der, pin, err := a.issue(n, request, a.Clock())
		if err == nil && pin == n.Certificate {
			return der, nil
		}
		if err == nil {
			err = fairlead.Errorf(fairlead.CodeNotAllowed, "a certificate is renewed for the key that the node joined with")
		}
		return nil, err
	}
	return nil, fairlead.Errorf(fairlead.CodeNotAllowed, "no such node")
}

func (a *Admission) issue(n fairlead.Node, request []byte, now time.Time) ([]byte, fairlead.Hash, error) {
	der, err := a.Authority.Issue(n.Name, n.Role != fairlead.RoleEdge, request, now)
	if err != nil {
		return nil, fairlead.Hash{}, &fairlead.Error{Code: fairlead.CodeInvalidRequest, Message: "the certificate request cannot be used", Err: err}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fairlead.Hash{}, err
	}
	return der, pki.Pin(cert), nil
}
