package bus

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fairlead"
	"fairlead/internal/pki"
)

func certificateOf(name string) *x509.Certificate {
	return &x509.Certificate{Subject: pkix.Name{CommonName: name}, RawSubjectPublicKeyInfo: []byte(name)}
}

func memberOf(name string) fairlead.Node {
	return fairlead.Node{Name: name, Role: fairlead.RoleEdge, Certificate: fairlead.Hash(pki.Pin(certificateOf(name)))}
}

// TestStoreHangs holds that those who are on the list get in while the store hangs, that one read serves all who are not, and that
// an error is not asked for again at once.
func TestStoreHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reads, hang atomic.Int64
		m := &members{clock: time.Now, read: func(ctx context.Context) ([]fairlead.Node, error) {
			if reads.Add(1); hang.Load() == 0 {
				return []fairlead.Node{memberOf("paris")}, nil
			}
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		if !m.allows(certificateOf("paris")) {
			t.Fatal("a member is not let in")
		}
		time.Sleep(lookEvery)
		hang.Store(1)
		before := reads.Load()
		var strangers sync.WaitGroup
		for range 10 {
			strangers.Go(func() {
				if m.allows(certificateOf("nobody")) {
					t.Error("a stranger is let in")
				}
			})
		}
		synctest.Wait() // all of them wait for the store
		begun := time.Now()
		if !m.allows(certificateOf("paris")) || m.role("paris") != fairlead.RoleEdge {
			t.Error("a member is not let in while the store hangs")
		}
		if took := time.Since(begun); took > 0 {
			t.Errorf("a member waits %s", took)
		}
		strangers.Wait()
		if m.allows(certificateOf("nobody")); reads.Load() != before+1 {
			t.Errorf("%d reads", reads.Load()-before)
		}
	})
}

// TestListsInOrder holds that a list that was read first and came last does not take the place of a newer one.
func TestListsInOrder(t *testing.T) {
	slow, begun := make(chan struct{}), make(chan struct{})
	var reads atomic.Int64
	m := &members{clock: time.Now, read: func(context.Context) ([]fairlead.Node, error) {
		switch reads.Add(1) {
		case 1:
			close(begun)
			<-slow
			return []fairlead.Node{memberOf("paris")}, nil
		case 2:
			return nil, nil // it was removed meanwhile
		}
		return nil, errors.New("no database")
	}}
	late := make(chan error)
	go func() { late <- m.refresh(t.Context()) }()
	<-begun
	if err := m.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(slow)
	if err := <-late; err != nil {
		t.Fatal(err)
	}
	if m.knows(certificateOf("paris")) {
		t.Error("an older list counts")
	}
}
