package edge_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fairlead"
	"fairlead/compile"
	"fairlead/dialect/openai"
	"fairlead/edge"
	"fairlead/upstream"
)

// try begins a trial of a document beside the one in force, or goes on with it.
func (n *node) try(id string, revision int64, document string, weights map[string]int) fairlead.Change {
	n.t.Helper()
	patch, err := compile.Patch(n.log.State.Document, []byte(document))
	check(n.t, err)
	return n.log.Commit(string(n.log.State.Document), weights, &fairlead.Trial{ID: id, Revision: revision, Percent: 5, Patch: patch})
}

// tried gives what is on trial, as "id percent revision: endpoint=weight ..., what is apart".
func (n *node) tried() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.force == nil || n.force.Trial == nil {
		return "nothing"
	}
	t := n.force.Trial
	text := fmt.Sprintf("%s %d%% %d:", t.ID, t.Percent, t.Snapshot.Revision)
	for _, e := range t.Snapshot.Endpoints {
		if text += fmt.Sprintf(" %s=%d", e.ID, e.Weight); e.Apart {
			text += " apart"
		}
	}
	return text
}

func (n *node) wantTried(what string) {
	n.t.Helper()
	if got := n.tried(); got != what {
		n.t.Errorf("on trial is %q, want %q", got, what)
	}
}

// stands holds the revision of the status, which is that of the state, beside the snapshot's.
func (n *node) stands(revision, inForce int64) {
	n.t.Helper()
	if s := n.Status(); s.Revision != revision || n.force.Revision != inForce {
		n.t.Errorf("the status says revision %d, in force is %d; want %d and %d", s.Revision, n.force.Revision, revision, inForce)
	}
}

// TestTrial plays a trial: its begin, steps and weights beside it, keys, a restart, its end, and the next one.
func TestTrial(t *testing.T) {
	n := newNode(t)
	n.run()
	check(t, n.apply(n.log.Revise(document("one", 100))))
	check(t, n.apply(n.try("trial_a", 2, document("two", 30), nil)))
	n.stands(2, 1) // revision 2 is what is tried; beside it serves 1
	n.wantTried("trial_a 5% 2: author/two@p=30")
	check(t, n.apply(n.log.Step(map[string]int{"author/two@p": 7, "author/one@p": 8})))
	n.stands(2, 1)
	n.wantTried("trial_a 5% 2: author/two@p=7")
	if w := n.force.Endpoints[0].Weight; w != 8 {
		t.Errorf("beside it the weight is %d", w)
	}
	check(t, n.apply(n.try("trial_a", 2, document("two", 40), nil))) // a weight that was set on both sides
	n.stands(3, 3)
	n.wantTried("trial_a 5% 2: author/two@p=40")
	if p := n.force.Trial.Snapshot.Providers[0]; p != n.force.Providers[0] {
		t.Error("the provider that both sides have alike is two")
	}
	swaps := n.swaps
	check(t, n.apply(n.log.Keys(fairlead.Key{ID: "key_1"})))
	if n.swaps != swaps {
		t.Error("a key made a snapshot")
	}
	n.close()
	n.open()
	check(t, n.Load(t.Context()))
	n.wantTried("trial_a 5% 2: author/two@p=40")
	n.run()
	check(t, n.apply(n.log.Revise(document("two", 40))))
	n.want("4: author/two@p=40", "")
	n.wantTried("nothing")
	check(t, n.apply(n.try("trial_b", 5, strings.ReplaceAll(document("two", 40), ":1/v1", ":2/v1"), nil)))
	n.stands(5, 4)
	n.wantTried("trial_b 5% 5: author/two@p=40 apart")
	check(t, n.apply(n.log.Step(map[string]int{"author/two@p": 1})))
	n.wantTried("trial_b 5% 5: author/two@p=1 apart")
	check(t, n.apply(n.log.Step(nil)))
	check(t, n.apply(n.log.Revise(document("two", 40))))
	n.wantTried("nothing")
	if p := n.force.Providers[0]; p.Apart || n.force.Endpoints[0].Apart {
		t.Error("something is apart though nothing is tried")
	}
}

// TestBadTrial holds that a trial which cannot be made here leaves all on the other side, that the status says why,
// and that what changes beside it is in force.
func TestBadTrial(t *testing.T) {
	n := newNode(t)
	n.run()
	check(t, n.apply(n.log.Revise(document("one", 100))))
	for _, c := range []struct{ document, why string }{
		{bad, "nobody"}, // does not compile
		{`{"version":1,"models":{"author/x":7}}`, "author/x"}, // cannot be read
	} {
		first := n.log.State.Revision + 1
		id := fmt.Sprint(first)
		if err := n.apply(n.try(id, first, c.document, nil)); err == nil || !strings.Contains(err.Error(), "trial") {
			t.Errorf("%s: the begin is answered with %v", c.why, err)
		}
		begin := n.log.At.Number
		n.stands(first, first-1)
		n.wantTried("nothing")
		check(t, n.apply(n.log.Step(map[string]int{"author/one@p": 9})))
		if w := n.force.Endpoints[0].Weight; w != 9 {
			t.Errorf("beside the bad trial the weight is %d", w)
		}
		if s := n.Status(); !strings.Contains(s.ConfigError, c.why) || !strings.Contains(s.ConfigError, "trial of revision "+id) {
			t.Errorf("the status says %q", s.ConfigError)
		}
		if err := n.Applied(t.Context(), begin); err == nil {
			t.Error("the begin of the trial is applied now")
		}
		check(t, n.apply(n.try("good"+id, first+1, document("two", 1), nil)))
		n.wantTried(fmt.Sprintf("good%s 5%% %d: author/two@p=1", id, first+1))
		if s := n.Status(); s.ConfigError != "" {
			t.Errorf("a good trial: the status says %q", s.ConfigError)
		}
		check(t, n.apply(n.log.Revise(document("one", 100))))
	}
	// What is bad without the trial is bad with it, and then all stays as it was.
	revision := n.force.Revision
	if err := n.apply(n.log.Commit(bad, nil, &fairlead.Trial{ID: "c", Percent: 5, Patch: json.RawMessage(`{}`)})); err == nil {
		t.Error("a bad configuration is in force")
	}
	if n.force.Revision != revision {
		t.Errorf("revision %d is in force", n.force.Revision)
	}
}

// TestTrialThatCannotBePrepared holds the same of what Swap refuses, and that it is tried again.
func TestTrialThatCannotBePrepared(t *testing.T) {
	up := upstream.New(openai.New())
	t.Cleanup(up.Close)
	tls := httptest.NewTLSServer(nil) // for its certificate
	tls.Close()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tls.Certificate().Raw})
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, func(o *edge.Options) {
			swap := o.Swap
			o.Swap = func(s *fairlead.Snapshot) error {
				if err := up.Prepare(s); err != nil {
					return err
				}
				return swap(s)
			}
		})
		n.run()
		check(t, n.apply(n.log.Revise(document("one", 100))))
		ca := filepath.Join(t.TempDir(), "ca.pem")
		with := strings.Replace(document("two", 1), `"dialect"`, fmt.Sprintf(`"transport":{"ca":%q},"dialect"`, ca), 1)
		if err := n.apply(n.try("trial", 2, with, nil)); err == nil {
			t.Error("the trial is in force")
		}
		n.stands(2, 1)
		n.wantTried("nothing")
		said := strings.Count(n.text.String(), "in force\"")
		time.Sleep(time.Minute)
		synctest.Wait()
		n.wantTried("nothing")
		if now := strings.Count(n.text.String(), "in force\""); now != said {
			t.Errorf("the log says %d times more what is in force: %s", now-said, n.text.String())
		}
		if c := strings.Count(n.text.String(), "the trial is not in force here"); c != 1 {
			t.Errorf("the log tells %d times of the trial: %s", c, n.text.String())
		}
		check(t, os.WriteFile(ca, authority, 0o600))
		time.Sleep(3 * time.Second)
		synctest.Wait()
		n.wantTried("trial 5% 2: author/two@p=1 apart")
		check(t, n.Applied(t.Context(), n.log.At.Number))
	})
}
