package control_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/control"
	"fairlead/store"
	"fairlead/store/sqlite"
)

func TestAudit(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	p := newPlane(t, func(o *control.Options) { o.Now = func() time.Time { return now } })
	secret, _ := p.token(t, "bot", "operator")
	bearer := []string{"Authorization", "Bearer " + secret}
	p.json(t, "PUT", "/control/v1/config", configuration, 200)
	now = now.Add(time.Hour)
	p.json(t, "PATCH", "/control/v1/config?why=because", `{"settings":{"attempts":5}}`, 200, bearer...)
	p.json(t, "POST", "/control/v1/keys", `{"name":"a"}`, 201)
	p.json(t, "PATCH", "/control/v1/endpoints/"+echo, `{"weight":5}`, 200, bearer...)
	for query, want := range map[string]string{
		"":                              "endpoint.weight key.create config.patch config.apply token.create",
		"?action=config":                "config.patch config.apply",
		"?action=config.apply":          "config.apply",
		"?action=conf":                  "",
		"?by=bot":                       "endpoint.weight config.patch",
		"?by=bot&action=config":         "config.patch",
		"?since=2026-01-02T04:00:00Z":   "endpoint.weight key.create config.patch",
		"?since=2026-01-02T04:04:05Z":   "endpoint.weight key.create config.patch",
		"?since=2026-01-02T04:04:06Z":   "",
		"?before=3":                     "config.apply token.create",
		"?before=4&by=admin&limit=1000": "config.apply token.create",
	} {
		got := []string{}
		for _, e := range p.json(t, "GET", "/control/v1/audit"+query, "", 200).data() {
			got = append(got, e["action"].(string))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v, want %s", query, got, want)
		}
	}
	for _, limit := range []int{1, 2, 5, 6} {
		got, before := []string{}, ""
		for range 10 {
			page := p.json(t, "GET", fmt.Sprintf("/control/v1/audit?limit=%d%s", limit, before), "", 200)
			for _, e := range page.data() {
				got = append(got, fmt.Sprint(e["number"]))
			}
			if page["next"] == nil {
				break
			}
			before = fmt.Sprintf("&before=%v", page["next"])
		}
		if strings.Join(got, " ") != "5 4 3 2 1" {
			t.Errorf("pages of %d: %v", limit, got)
		}
	}
}

func TestVerify(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "fairlead.db")
	s, err := sqlite.Open(t.Context(), file)
	check(t, err)
	defer s.Close()
	p := newPlane(t, func(o *control.Options) { o.Store = s })
	p.json(t, "PUT", "/control/v1/config", configuration, 200)
	p.json(t, "POST", "/control/v1/keys", `{"name":"a"}`, 201)
	if a := p.json(t, "GET", "/control/v1/audit/verify", "", 200); a["ok"] != true || a["changes"] != 2.0 || a["revisions"] != 1.0 || a["entries"] != 2.0 || len(a["faults"].([]any)) != 0 {
		t.Errorf("as it is: %v", a)
	}
	db, err := sql.Open("sqlite", file)
	check(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), `UPDATE audit SET author = 'nobody' WHERE number = 1`)
	check(t, err)
	if a := p.json(t, "GET", "/control/v1/audit/verify", "", 200); a["ok"] != false || len(a["faults"].([]any)) == 0 {
		t.Errorf("altered: %v", a)
	}
}

func TestBackup(t *testing.T) {
	p := applied(t)
	key, err := p.client(t).CreateKey(t.Context(), "kept")
	check(t, err)
	resp := p.do(t, "GET", "/control/v1/backup", "")
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/gzip" || !strings.Contains(resp.Header.Get("Content-Disposition"), "fairlead-") {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	stream, err := io.ReadAll(resp.Body)
	check(t, err)
	if got := p.audit(t); got[len(got)-1] != "backup" {
		t.Errorf("audit: %v", got)
	}
	other, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "restored.db"))
	check(t, err)
	defer other.Close()
	_, err = other.Restore(t.Context(), bytes.NewReader(stream))
	check(t, err)
	keys, err := other.Keys(t.Context(), "", 10)
	if err != nil || len(keys) != 1 || keys[0].ID != key.ID {
		t.Errorf("restored: %v, %v", keys, err)
	}
}

// tornStore is the real store whose backups break off, after some bytes or before the first.
type tornStore struct {
	control.Store
	after int
}

func (s tornStore) Backup(_ context.Context, w io.Writer) (fairlead.BackupInfo, error) {
	_, _ = w.Write(make([]byte, s.after)) // 0 bytes begin nothing
	return fairlead.BackupInfo{}, errors.New("read: disk error")
}

// lostStore is the real store that is lost while it takes a write, so that nobody knows whether it was done.
type lostStore struct{ control.Store }

func (lostStore) CreateKeys(context.Context, fairlead.Act, ...fairlead.Key) (fairlead.Change, error) {
	return fairlead.Change{}, store.ErrUnknown
}

func (lostStore) CommitRevision(context.Context, fairlead.Commit) (fairlead.Revision, fairlead.Change, error) {
	return fairlead.Revision{}, fairlead.Change{}, store.ErrUnknown
}

// TestOutcomeUnknown holds that a caller is told when its write may have been done.
func TestOutcomeUnknown(t *testing.T) {
	p := newPlane(t, func(o *control.Options) { o.Store = lostStore{o.Store} })
	for _, c := range [][3]string{{"POST", "keys", `{"name":"app"}`}, {"PUT", "config", configuration}} {
		a := p.json(t, c[0], "/control/v1/"+c[1], c[2], 503)
		if text := a.text(); a.code() != "control_unavailable" || !strings.Contains(text, "not known whether") || !strings.Contains(text, "look whether it was") {
			t.Errorf("%s: %s", c[1], text)
		}
	}
}

// TestTornBackup holds that a part of a backup is never taken for the whole.
func TestTornBackup(t *testing.T) {
	for _, after := range []int{1, 1 << 20} {
		p := newPlane(t, func(o *control.Options) { o.Store = tornStore{o.Store, after} })
		req, err := http.NewRequestWithContext(t.Context(), "GET", p.url+"/control/v1/backup", nil)
		check(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err == nil {
			defer resp.Body.Close()
			_, err = io.ReadAll(resp.Body)
		}
		if err == nil {
			t.Errorf("after %d bytes: the body ends as if it were whole", after)
		}
	}
}

// TestLost holds that what a restored store has lost is listed without what is secret in it.
func TestLost(t *testing.T) {
	p := applied(t)
	k, secret := fairlead.NewKey("gone", time.Now())
	changes := []fairlead.Change{
		{Number: 2, Kind: fairlead.ChangeRevision, At: time.Now(), By: "admin", Content: []byte(`{"revision":2,"origin":"patch","why":"a try","patch":{"settings":{"attempts":5}},"sum":"` + strings.Repeat("0", 64) + `"}`), Hash: fairlead.Hash{1}},
		{Number: 3, Kind: fairlead.ChangeKey, At: time.Now(), By: "admin", Content: []byte(`{"keys":[{"id":"` + k.ID + `","name":"gone","hash":"` + fairlead.Hash(k.Hash).String() + `"}]}`), Hash: fairlead.Hash{2}},
		{Number: 4, Kind: fairlead.ChangeSecret, At: time.Now(), By: "admin", Content: []byte(`{"name":"OTHER","version":3,"sealed":"c2VhbGVk"}`), Hash: fairlead.Hash{3}},
		{Number: 5, Kind: fairlead.ChangeNode, Content: []byte(`{"name":"paris-1","role":"edge","added":"2026-01-02T03:04:05Z"}`), Hash: fairlead.Hash{4}},
		{Number: 6, Kind: fairlead.ChangeNode, Content: []byte(`{"name":"paris-1","role":"edge","joined":"2026-01-02T03:04:05Z"}`), Hash: fairlead.Hash{5}},
		{Number: 7, Kind: fairlead.ChangeNode, Content: []byte(`{"name":"paris-1","role":"edge","joined":"2026-01-02T03:04:05Z","removed":"2026-01-02T03:04:06Z"}`), Hash: fairlead.Hash{6}},
		{Number: 8, Kind: fairlead.ChangeAccount, Content: []byte(`{"accounts":[{"id":"acc_1","name":"acme","closed":"2026-01-02T03:04:06Z"}],"teams":[{"id":"team_1","name":"lab"}]}`), Hash: fairlead.Hash{7}},
		{Number: 9, Kind: fairlead.ChangeKey, Content: []byte(`{"keys":[{"id":"key_a","name":"a","disabled":true},{"id":"key_b","name":"b","old_until":"2026-01-02T03:04:06Z"}]}`), Hash: fairlead.Hash{8}},
	}
	_, err := p.store.ReportLost(t.Context(), "edge-1", changes)
	check(t, err)
	_, err = p.store.ReportLost(t.Context(), "edge-2", changes[:1])
	check(t, err)
	list := p.json(t, "GET", "/control/v1/lost", "", 200).data()
	if len(list) != 8 || list[0].list("nodes") != "edge-1 edge-2" || list[0].list("what") != "revision 2 a try" || !strings.Contains(list[0].text(), "attempts") {
		t.Errorf("lost: %v", list)
	}
	if list[1].list("what") != k.ID+" gone" || list[2].list("what") != "OTHER version 3" {
		t.Errorf("lost: %v", list)
	}
	if got := list[6].list("what"); got != "acc_1 acme: closed team_1 lab" {
		t.Errorf("lost: %q", got)
	}
	if got := list[7].list("what"); got != "key_a a: disabled key_b b: rotated" {
		t.Errorf("lost: %q", got)
	}
	for i, was := range []string{"added", "joined", "removed"} {
		if got := list[3+i].list("what"); got != "paris-1: "+was {
			t.Errorf("lost: %q", got)
		}
	}
	for _, hidden := range []string{fairlead.Hash(k.Hash).String(), "c2VhbGVk", secret.Reveal()} {
		p.showsNothingOf(t, hidden)
	}
}
