package control_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"fairlead/control"
)

// heldDocuments is a store that holds up the next ones who read a revision's document.
type heldDocuments struct {
	control.Store
	next           chan struct{} // one for each who is to be held
	release, under chan struct{}
}

func (s *heldDocuments) Document(ctx context.Context, n int64) ([]byte, error) {
	select {
	case <-s.next:
		s.under <- struct{}{}
		<-s.release
	default:
	}
	return s.Store.Document(ctx, n)
}

// TestWholeDocuments holds that those who look at documents as YAML, at diffs and at trials are few at once, of one token one, and
// that nobody else waits for them.
func TestWholeDocuments(t *testing.T) {
	store := &heldDocuments{next: make(chan struct{}, 2), release: make(chan struct{}), under: make(chan struct{})}
	p := applied(t, func(o *control.Options) { store.Store, o.Store = o.Store, store })
	p.json(t, "PATCH", "/control/v1/config?percent=5&hold=10m", `{"settings":{"attempts":5}}`, 200)
	one, _ := p.token(t, "one", "viewer")
	two, _ := p.token(t, "two", "viewer")
	paths := []string{"config?format=yaml", "revisions/1?format=yaml", "revisions/1/diff/2", "endpoints", "trial"}
	status := func(path, secret string) int {
		got, _ := p.ask(t, "GET", "/control/v1/"+path, "", "Authorization", "Bearer "+secret)
		return got
	}
	var holding, refused sync.WaitGroup
	hold := func(path, secret string) {
		store.next <- struct{}{}
		holding.Go(func() {
			if got := status(path, secret); got != 200 {
				t.Errorf("%s: %d", path, got)
			}
		})
		<-store.under
	}
	hold("revisions/1?format=yaml", one)
	if got := status("config?format=yaml", one); got != 429 { // there is room, but not for this one
		t.Errorf("a second of one token: %d", got)
	}
	hold("revisions/1/diff/2", two)
	for _, path := range paths {
		refused.Go(func() {
			if got := status(path, token); got != 429 {
				t.Errorf("%s beside two of others: %d", path, got)
			}
		})
	}
	for _, path := range []string{"config", "revisions/1", "revisions", "nodes"} {
		if got := status(path, one); got != 200 {
			t.Errorf("%s meanwhile: %d", path, got)
		}
	}
	p.json(t, "PATCH", "/control/v1/endpoints/"+echo, `{"weight":12}`, 200)
	refused.Wait()
	close(store.release)
	holding.Wait()
	for _, path := range paths {
		if got := status(path, one); got != 200 {
			t.Errorf("%s afterwards: %d", path, got)
		}
	}
}

// TestDiffIsBounded holds that the diff of two revisions, and that of a trial, is shown as far as that of a write.
func TestDiffIsBounded(t *testing.T) {
	p := newPlane(t)
	p.json(t, "PUT", "/control/v1/config", many(4000, "0.15"), 200)
	p.json(t, "PUT", "/control/v1/config", many(4000, "0.16"), 200)
	p.json(t, "PUT", "/control/v1/config?percent=5&hold=10m", many(4000, "0.15"), 200)
	for _, path := range []string{"revisions/1/diff/2", "trial"} {
		a := p.json(t, "GET", "/control/v1/"+path, "", 200)
		if n, more := len(a["diff"].([]any)), a["diff_left_out"]; n != 1000 || more != float64(3000) {
			t.Errorf("%s: %d differences and %v more", path, n, more)
		}
	}
	same := p.json(t, "GET", "/control/v1/revisions/1/diff/1", "", 200)
	if _, ok := same["diff_left_out"]; ok || !strings.Contains(same.text(), `"diff":[]`) {
		t.Errorf("of the same: %v", same)
	}
}
