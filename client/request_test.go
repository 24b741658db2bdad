package client_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fairlead"
	"fairlead/client"
)

// request is a call and what it sends.
type request struct {
	want string // METHOD target [If-Match] content-type body
	call func(ctx context.Context, c *client.Client) error
}

// requests lists every method.
func requests() []request {
	five := int64(5)
	all := client.Write{Why: "a & b", DryRun: true, IfMatch: &five, WaitAll: true}
	const allQuery = "?dry_run=true&wait=all&why=a+%26+b"
	since := time.Date(2026, 11, 21, 10, 0, 0, 0, time.FixedZone("", 3600))
	return []request{
		{`GET /config   `, func(ctx context.Context, c *client.Client) error { _, err := c.Config(ctx); return err }},
		{`PUT /config` + allQuery + ` "5" application/yaml version: 1`, func(ctx context.Context, c *client.Client) error {
			_, err := c.PutConfig(ctx, []byte("version: 1"), all)
			return err
		}},
		{`PUT /config?why=w  application/yaml x`, func(ctx context.Context, c *client.Client) error {
			_, err := c.PutConfig(ctx, []byte("x"), client.Write{Why: "w"})
			return err
		}},
		{`PATCH /config  application/merge-patch+json {}`, func(ctx context.Context, c *client.Client) error {
			_, err := c.PatchConfig(ctx, []byte("{}"), client.Write{})
			return err
		}},
		{`GET /revisions/7   `, func(ctx context.Context, c *client.Client) error { _, err := c.Revision(ctx, 7); return err }},
		{`GET /revisions/7?format=yaml   `, func(ctx context.Context, c *client.Client) error { _, err := c.RevisionYAML(ctx, 7); return err }},
		{`GET /revisions/7/diff/9   `, func(ctx context.Context, c *client.Client) error { _, _, err := c.Diff(ctx, 7, 9); return err }},
		{`POST /revisions/rollback?why=w   `, func(ctx context.Context, c *client.Client) error {
			_, err := c.Rollback(ctx, 0, client.Write{Why: "w"})
			return err
		}},
		{`POST /revisions/3/rollback` + allQuery + ` "5"  `, func(ctx context.Context, c *client.Client) error { _, err := c.Rollback(ctx, 3, all); return err }},
		{`GET /endpoints   `, func(ctx context.Context, c *client.Client) error { _, err := c.Endpoints(ctx); return err }},
		{`PATCH /endpoints/a%2Fb@c~d?why=w  application/json {"weight":25}`, func(ctx context.Context, c *client.Client) error {
			_, err := c.SetWeight(ctx, "a/b@c~d", 25, client.Write{Why: "w"})
			return err
		}},
		{`PATCH /endpoints/a%2F..@c  application/json {"drain":true}`, func(ctx context.Context, c *client.Client) error {
			_, err := c.Drain(ctx, "a/..@c", true, client.Write{})
			return err
		}},
		{`PATCH /endpoints/a%2Fb@c  application/json {"drain":false}`, func(ctx context.Context, c *client.Client) error {
			_, err := c.Drain(ctx, "a/b@c", false, client.Write{})
			return err
		}},
		{`PUT /secrets/n  application/json {"value":"v"}`, func(ctx context.Context, c *client.Client) error {
			_, err := c.SetSecret(ctx, "n", fairlead.NewSecret("v"))
			return err
		}},
		{`GET /secrets   `, func(ctx context.Context, c *client.Client) error { _, err := c.Secrets(ctx); return err }},
		{`DELETE /secrets/n   `, func(ctx context.Context, c *client.Client) error { _, err := c.DeleteSecret(ctx, "n"); return err }},
		{`GET /nodes   `, func(ctx context.Context, c *client.Client) error { _, err := c.Nodes(ctx); return err }},
		{`POST /nodes  application/json {"name":"e"}`, func(ctx context.Context, c *client.Client) error {
			_, err := c.AddNode(ctx, "e", "")
			return err
		}},
		{`POST /nodes  application/json {"name":"e","region":"r"}`, func(ctx context.Context, c *client.Client) error {
			_, err := c.AddNode(ctx, "e", "r")
			return err
		}},
		{`DELETE /nodes/e   `, func(ctx context.Context, c *client.Client) error { _, err := c.RemoveNode(ctx, "e"); return err }},
		{`POST /tokens  application/json {"level":"viewer","name":"n"}`, func(ctx context.Context, c *client.Client) error {
			_, err := c.CreateToken(ctx, "n", fairlead.LevelViewer)
			return err
		}},
		{`GET /tokens   `, func(ctx context.Context, c *client.Client) error { _, err := c.Tokens(ctx); return err }},
		{`DELETE /tokens/tok_x   `, func(ctx context.Context, c *client.Client) error { _, err := c.RevokeToken(ctx, "tok_x"); return err }},
		{`GET /audit/verify   `, func(ctx context.Context, c *client.Client) error { _, err := c.VerifyAudit(ctx); return err }},
		{`GET /lost   `, func(ctx context.Context, c *client.Client) error { _, err := c.Lost(ctx); return err }},
		{`GET /backup   `, func(ctx context.Context, c *client.Client) error { _, err := c.Backup(ctx, io.Discard); return err }},
		{`GET /audit?action=a&by=b&since=2026-11-21T09%3A00%3A00Z   `, func(ctx context.Context, c *client.Client) error {
			for _, err := range c.Audit(ctx, client.AuditFilter{Action: "a", By: "b", Since: since}) {
				return err
			}
			return nil
		}},
		{`GET /revisions   `, func(ctx context.Context, c *client.Client) error {
			for _, err := range c.Revisions(ctx) {
				return err
			}
			return nil
		}},
	}
}

// creditRequests are those about money and usage.
func creditRequests() []request {
	since := time.Date(2026, 11, 21, 10, 0, 0, 0, time.FixedZone("", 3600))
	return []request{
		{`POST /accounts/a/grants  application/json {"amount":"1","kind":"topup","reference":"r","why":"w"}`, func(ctx context.Context, c *client.Client) error {
			_, err := c.GrantCredit(ctx, "a", client.Grant{Amount: "1", Kind: "topup", Reference: "r", Why: "w"})
			return err
		}},
		{`GET /accounts/a/balance   `, func(ctx context.Context, c *client.Client) error { _, err := c.Balance(ctx, "a"); return err }},
		{`GET /accounts/a/ledger   `, func(ctx context.Context, c *client.Client) error {
			for _, err := range c.Ledger(ctx, "a") {
				return err
			}
			return nil
		}},
		{`GET /usage?account=a&by=model&from=2026-11-21T09%3A00%3A00Z   `, func(ctx context.Context, c *client.Client) error {
			_, err := c.Usage(ctx, client.UsageFilter{By: "model", Account: "a", From: since})
			return err
		}},
		{`GET /audit/ledger   `, func(ctx context.Context, c *client.Client) error { _, err := c.AuditLedger(ctx); return err }},
	}
}

// recordRequests are those about records.
func recordRequests() []request {
	since := time.Date(2026, 11, 21, 10, 0, 0, 0, time.FixedZone("", 3600))
	return []request{
		{`GET /records?code=c&endpoint=e&from=2026-11-21T09%3A00%3A00Z&kept=slow&key=k&limit=5&min_duration=2s&model=m&node=n&provider=p&region=r&status=%3E%3D500&stream=true   `, func(ctx context.Context, c *client.Client) error {
			_, err := c.Records(ctx, client.RecordFilter{
				From: since, Model: "m", Endpoint: "e", Provider: "p", Key: "k", Code: "c", Status: ">=500", MinDuration: "2s", Node: "n", Region: "r", Stream: "true", Kept: "slow",
			}, 5)
			return err
		}},
		{`GET /records?limit=1000&until=2026-11-21T09%3A00%3A00Z   `, func(ctx context.Context, c *client.Client) error {
			for _, err := range c.AllRecords(ctx, client.RecordFilter{Until: since}, 0) {
				return err
			}
			return nil
		}},
		{`GET /records/req_1   `, func(ctx context.Context, c *client.Client) error { _, err := c.Exchange(ctx, "req_1"); return err }},
		{`GET /records/tail?node=n   `, func(ctx context.Context, c *client.Client) error {
			err := c.Tail(ctx, client.RecordFilter{Node: "n"}, func(*client.Record, *client.Notice) error { return errors.New("nothing was said") })
			if errors.Is(err, io.ErrUnexpectedEOF) { // this server ends it
				return nil
			}
			return err
		}},
	}
}

// TestRequests holds what each method sends.
func TestRequests(t *testing.T) {
	for _, c := range slices.Concat(requests(), recordRequests(), creditRequests()) {
		t.Run(c.want, func(t *testing.T) {
			var got string
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				got = strings.Join([]string{
					r.Method, strings.TrimPrefix(r.RequestURI, "/control/v1"), r.Header.Get("If-Match"), r.Header.Get("Content-Type"), string(body),
				}, " ")
				_, _ = w.Write([]byte("{}"))
			}))
			defer srv.Close()
			if err := c.call(t.Context(), newClient(t, srv.URL)); err != nil || got != c.want {
				t.Errorf("sent %q, want %q; %v", got, c.want, err)
			}
		})
	}
}

// TestOddNames holds that no name leads to another path than its own.
func TestOddNames(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("asked for %s", r.RequestURI) }))
	defer srv.Close()
	c := newClient(t, srv.URL)
	for _, name := range []string{"", ".", ".."} {
		for _, call := range []func() error{
			func() error { _, err := c.DeleteSecret(t.Context(), name); return err },
			func() error { _, err := c.RemoveNode(t.Context(), name); return err },
			func() error { _, err := c.Drain(t.Context(), name, true, client.Write{}); return err },
		} {
			var e *fairlead.Error
			if err := call(); !errors.As(err, &e) || e.Code != fairlead.CodeNotFound {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
}

// breaking is a server that closes a number of connections without an answer and then answers.
func breaking(t *testing.T, times int) (url string, asked func() int) {
	t.Helper()
	var calls atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) > int64(times) {
			_, _ = w.Write([]byte(`{"revision":7}`))
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}))
	t.Cleanup(srv.Close)
	return srv.URL, func() int { return int(calls.Load()) }
}

// TestAgain holds that what only reads is asked again where a connection broke, a few times, and that no write is.
func TestAgain(t *testing.T) {
	url, asked := breaking(t, 2)
	if got, err := newClient(t, url).Config(t.Context()); err != nil || got.Revision != 7 || asked() != 3 {
		t.Errorf("a read: %+v, %v after %d requests", got, err, asked())
	}
	url, asked = breaking(t, 99)
	if _, err := newClient(t, url).Config(t.Context()); err == nil || asked() != 3 {
		t.Errorf("a read that always fails: %v after %d requests", err, asked())
	}
	url, asked = breaking(t, 1)
	if _, err := newClient(t, url).SetWeight(t.Context(), "a", 1, client.Write{}); err == nil || asked() != 1 {
		t.Errorf("a write: %v after %d requests", err, asked())
	}
}

// TestFindings holds that a refused document comes with all that is wrong with it, and still as the error that it is.
func TestFindings(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":{"code":"invalid_request","message":"m","findings":[{"severity":"error","line":3,"column":5,"path":"models","message":"bad","hint":"do"}]}}`))
	}))
	defer srv.Close()
	_, err := newClient(t, srv.URL).PutConfig(t.Context(), []byte("x"), client.Write{})
	var refused *client.RefusedError
	var e *fairlead.Error
	if !errors.As(err, &refused) || !errors.As(err, &e) || e.Code != fairlead.CodeInvalidRequest || len(refused.Findings) != 1 {
		t.Fatalf("got %v", err)
	}
	refused.Findings[0].File = "f.yaml"
	if got := refused.Findings[0].String(); got != "f.yaml:3:5: error: models: bad (do)" {
		t.Errorf("shown as %q", got)
	}
}

// TestBackupIsWhole holds that a backup that broke off is an error, whatever came before.
func TestBackupIsWhole(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("half"))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer srv.Close()
	var got strings.Builder
	if n, err := newClient(t, srv.URL).Backup(t.Context(), &got); err == nil || n != 4 {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestNodeState(t *testing.T) {
	lag := func(n int64) *int64 { return &n }
	joined := time.Now()
	for want, n := range map[string]client.Node{
		"not joined":            {},
		"not heard of":          {Joined: joined},
		"name in use twice":     {Live: true, NameTaken: true, Role: fairlead.RoleControl},
		"stale":                 {Live: true, Stale: true, Lag: lag(3)},
		"configuration refused": {Live: true, ConfigError: "x", Lag: lag(0)},
		"loading":               {Live: true, Loading: "keys", Lag: lag(5)},
		"on another log":        {Live: true},
		"behind":                {Live: true, Lag: lag(1)},
		"unresolved":            {Live: true, Lag: lag(0), Unresolved: []string{"x"}},
		"ok":                    {Live: true, Role: fairlead.RoleControl},
	} {
		if got := n.State(); got != want {
			t.Errorf("%+v is %q, want %q", n, got, want)
		}
	}
}

// TestPages holds that a list is gone through to its end, also where a page is empty, and that one which leads to
// itself ends.
func TestPages(t *testing.T) {
	for _, c := range []struct {
		name  string
		pages map[string]string // by "before"
		want  int
	}{
		{"one", map[string]string{"": `{"data":[{"number":2},{"number":1}]}`}, 2},
		{"three", map[string]string{"": `{"data":[{"number":9}],"next":9}`, "9": `{"data":[],"next":5}`, "5": `{"data":[{"number":3}]}`}, 2},
		{"a circle", map[string]string{"": `{"data":[{"number":9}],"next":9}`, "9": `{"data":[{"number":8}],"next":9}`}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = w.Write([]byte(c.pages[r.URL.Query().Get("before")]))
			}))
			defer srv.Close()
			got := 0
			for _, err := range newClient(t, srv.URL).Revisions(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				got++
			}
			if got != c.want {
				t.Errorf("%d revisions, want %d", got, c.want)
			}
		})
	}
}
