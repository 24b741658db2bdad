package app_test

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/app"
	"fairlead/store/sqlite"
	"fairlead/test/harness"
)

// TestEvidence follows exchanges by their ids: what was sent to a provider has an intent and a charge, what was refused
// has none, and each has a record; nothing of what was said is in any of it.
func TestEvidence(t *testing.T) {
	_, provider := fake(t)
	data := t.TempDir()
	n := start(t, app.Options{Config: file(t, config(provider, "one")), Data: data, Name: "edge-7"})
	key, body := n.key(), strings.Replace(chat("openai/one", false), "hello", "whatisaid", 1)
	good, text := n.ask("/v1/chat/completions", key, body)
	if good.StatusCode != http.StatusOK {
		t.Fatalf("answered %d: %s", good.StatusCode, text)
	}
	refused, _ := n.ask("/v1/chat/completions", key, chat("openai/none", false))
	id, noID := good.Header.Get("X-Request-Id"), refused.Header.Get("X-Request-Id")
	if _, tag, ok := fairlead.ParseID(id); !ok || tag != fairlead.TagOf("edge-7") {
		t.Errorf("id %s tells node %x", id, tag)
	}

	s, err := sqlite.Open(t.Context(), filepath.Join(data, "fairlead.db"))
	check(t, err)
	defer s.Close()
	harness.Until(t, "both records are there", func() bool {
		_, err := s.Record(t.Context(), id)
		_, err2 := s.Record(t.Context(), noID)
		return err == nil && err2 == nil
	})
	harness.Until(t, "both lines are there", func() bool {
		found, err := s.ChargeLines(t.Context(), id)
		return err == nil && len(found) == 2
	})
	found, err := s.ChargeLines(t.Context(), id)
	check(t, err)
	r, err := s.Record(t.Context(), id)
	check(t, err)
	intent, charge := found[0], found[1]
	if intent.Kind != fairlead.LineIntent || charge.Kind != fairlead.LineCharge || charge.Frame.Node != "edge-7" || charge.Endpoint != "openai/one@first" ||
		charge.Output == 0 || charge.Status != http.StatusOK || charge.Revision != 1 || intent.Key == "" || intent.Key != charge.Key {
		t.Errorf("lines %+v, %+v", intent, charge)
	}
	if r.Node != "edge-7" || r.Output != charge.Output || r.Endpoint != charge.Endpoint || len(r.Attempts) != 1 || r.Kept != fairlead.KeptSample {
		t.Errorf("record %+v", r)
	}
	used, err := s.Usage(t.Context(), fairlead.UsageFilter{From: time.Now().Add(-time.Hour), Until: time.Now().Add(time.Minute), By: fairlead.UsageByProvider})
	check(t, err)
	if len(used) != 1 || used[0].Name != "first" || used[0].Exchanges != 1 || used[0].Output != charge.Output || used[0].Input != charge.Input || used[0].Failures != 0 {
		t.Errorf("usage %+v", used)
	}
	if c, err := s.AuditLedger(t.Context()); err != nil || len(c.Faults) > 0 || c.Lines != 1 || c.Unread != 0 || c.Foreign != 0 {
		t.Errorf("audited %+v, %v", c, err)
	}
	if _, err := s.ChargeLines(t.Context(), noID); fairlead.AsError(err).Code != fairlead.CodeNotFound {
		t.Errorf("what was refused has lines: %v", err)
	}
	if r, err := s.Record(t.Context(), noID); err != nil || r.Code != fairlead.CodeModelNotFound || r.Kept != fairlead.KeptFailure {
		t.Errorf("record %+v, %v", r, err)
	}
	if _, text := n.control(http.MethodGet, "/metrics", ""); !strings.Contains(text, "fairlead_charge_lines_total 2") || !strings.Contains(text, "fairlead_records_kept_total 2") ||
		strings.Contains(text, "fairlead_fetches_total 0") || !strings.Contains(text, "fairlead_copies_total 0") || !strings.Contains(text, "fairlead_changes_refused_total 0") {
		t.Errorf("metrics are %s", text)
	}
	check(t, n.stop())
	check(t, filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "first.key") {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), key) || strings.Contains(string(b), "whatisaid") {
			t.Errorf("%s holds what nobody may keep", path)
		}
		return err
	}))
}

// TestEvidenceOutlives holds that what a node wrote and could not send comes when it is started again.
func TestEvidenceOutlives(t *testing.T) {
	_, provider := fake(t)
	data, cfg := t.TempDir(), file(t, config(provider, "one"))
	n := start(t, app.Options{Config: cfg, Data: data})
	answer, _ := n.ask("/v1/chat/completions", n.key(), chat("openai/one", true))
	check(t, n.stop())
	start(t, app.Options{Config: cfg, Data: data})
	s, err := sqlite.Open(t.Context(), filepath.Join(data, "fairlead.db"))
	check(t, err)
	defer s.Close()
	harness.Until(t, "both lines are there", func() bool {
		found, err := s.ChargeLines(t.Context(), answer.Header.Get("X-Request-Id"))
		return err == nil && len(found) == 2
	})
}

// TestFramesGoAgain holds that a node finds out whether control has its frames still, though nothing is new: now and then, and once it has
// copied another log.
func TestFramesGoAgain(t *testing.T) {
	_, provider := fake(t)
	begin := func(o app.Options) *node {
		o.Config = file(t, config(provider, "one"))
		n := start(t, o)
		n.ask("/v1/chat/completions", n.key(), chat("openai/one", false))
		harness.Until(t, "all frames are taken", func() bool {
			return n.number("fairlead_charge_lines_taken_total") == 2 && n.number("fairlead_spool_frames_waiting") == 0
		})
		return n
	}
	again := func(n *node) float64 { return n.number("fairlead_frames_again_total") }
	t.Run("now and then", func(t *testing.T) {
		n := begin(app.Options{}.SendingAgain(time.Millisecond))
		harness.Until(t, "the last one has come some times more", func() bool { return again(n) > 3 })
	})
	t.Run("after a copy", func(t *testing.T) {
		n := begin(app.Options{})
		before := again(n)
		n.app.Copied(true)
		harness.Until(t, "the last one has come once more", func() bool { return again(n) > before })
	})
}
