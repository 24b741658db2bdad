package control_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fairlead"
	"fairlead/control"
	"fairlead/replica"
	"fairlead/store"
	"fairlead/store/sqlite"
)

const token = "fl-admin-token-of-the-tests"

// plane is a control plane over a real store and a real replica, on a loopback port.
type plane struct {
	store   *store.Store
	replica *replica.Replica
	url     string
	log     *lockedBuffer
}

func newPlane(t *testing.T, change ...func(*control.Options)) *plane {
	t.Helper()
	dir := t.TempDir()
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "fairlead.db"))
	check(t, err)
	rep, err := replica.Open(t.Context(), dir)
	check(t, err)
	log := &lockedBuffer{}
	o := control.Options{
		Store: store, Feed: rep, Token: fairlead.NewSecret(token),
		Status: func() control.Status { return control.Status{Config: fileStatus, Endpoints: endpointStatus} },
		Log:    slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&o)
	}
	srv := httptest.NewServer(control.New(o))
	t.Cleanup(func() {
		srv.Close()
		check(t, errors.Join(rep.Close(), store.Close()))
	})
	return &plane{store, rep, srv.URL, log}
}

var (
	fileStatus = control.ConfigStatus{
		Revision: 3, Source: control.SourceFile, File: "/etc/fairlead.yaml",
		Loaded: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Error: "line 3: unknown field",
	}
	endpointStatus = []control.EndpointStatus{{ID: "fake/echo@fake", Model: "fake/echo", Provider: "fake", Dialect: "openai", Weight: 100}}
)

// ask sends a request with the admin token unless the headers say otherwise.
func (p *plane) ask(t *testing.T, method, path, body string, headers ...string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.url+path, strings.NewReader(body))
	check(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	check(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	check(t, err)
	return resp.StatusCode, string(b)
}

// askJSON reads the answer, which must have the status.
func (p *plane) askJSON(t *testing.T, method, path, body string, want int) (answer map[string]any) {
	t.Helper()
	status, text := p.ask(t, method, path, body)
	if status != want {
		t.Fatalf("%s %s: status %d, want %d: %s", method, path, status, want, text)
	}
	check(t, json.Unmarshal([]byte(text), &answer))
	return answer
}

func TestRefusals(t *testing.T) {
	p := newPlane(t)
	long := strings.Repeat("x", 1<<20)
	for _, c := range []struct {
		name    string
		method  string
		path    string
		body    string
		headers []string
		status  int
		want    string // in the answer
	}{
		{"no token", "GET", "/control/v1/keys", "", []string{"Authorization", ""}, 401, `"missing_key"`},
		{"wrong token", "GET", "/control/v1/keys", "", []string{"Authorization", "Bearer wrong"}, 401, `"invalid_key"`},
		{"a part of the token", "GET", "/control/v1/keys", "", []string{"Authorization", "Bearer " + token[:10]}, 401, `"invalid_key"`},
		{"more than the token", "GET", "/control/v1/keys", "", []string{"Authorization", "Bearer " + token + "x"}, 401, `"invalid_key"`},
		{"another scheme", "GET", "/control/v1/keys", "", []string{"Authorization", "Basic " + token}, 401, `"missing_key"`},
		{"unknown path without token", "GET", "/control/v1/nothing", "", []string{"Authorization", ""}, 401, `"missing_key"`},
		{"unknown method without token", "PUT", "/control/v1/keys", "", []string{"Authorization", ""}, 401, `"missing_key"`},
		{"write without token", "POST", "/control/v1/keys", `{"name":"a"}`, []string{"Authorization", ""}, 401, `"missing_key"`},
		{"unknown path", "GET", "/control/v1/nothing", "", nil, 404, `"not_found"`},
		{"unknown path elsewhere", "GET", "/nothing", "", nil, 404, `"not_found"`},
		{"no metrics mounted", "GET", "/metrics", "", nil, 404, `"not_found"`},
		{"method", "PUT", "/control/v1/keys", "", nil, 405, `"this path takes GET, POST"`},
		{"preflight", "OPTIONS", "/control/v1/keys", "", []string{"Origin", "http://evil.example"}, 405, `"method_not_allowed"`},

		{"foreign host", "GET", "/control/v1/keys", "", []string{"Host", "evil.example"}, 403, `"not_allowed"`},
		{"foreign host with port", "GET", "/livez", "", []string{"Host", "evil.example:8485"}, 403, `"not_allowed"`},
		{"host that begins like loopback", "GET", "/livez", "", []string{"Host", "127.0.0.1.evil.example"}, 403, `"not_allowed"`},
		{"host that ends like localhost", "GET", "/livez", "", []string{"Host", "evillocalhost"}, 403, `"not_allowed"`},

		{"no body", "POST", "/control/v1/keys", "", nil, 400, `"invalid_json"`},
		{"not JSON", "POST", "/control/v1/keys", "name=a", nil, 400, `"invalid_json"`},
		{"two values", "POST", "/control/v1/keys", `{"name":"a"}{}`, nil, 400, `"invalid_json"`},
		{"invalid UTF-8", "POST", "/control/v1/keys", "{\"name\":\"\xff\"}", nil, 400, `"invalid_json"`},
		{"unknown field", "POST", "/control/v1/keys", `{"name":"a","hash":"x"}`, nil, 400, `"/hash"`},
		{"another case", "POST", "/control/v1/keys", `{"Name":"a"}`, nil, 400, `"/Name"`},
		{"twice", "POST", "/control/v1/keys", `{"name":"a","name":"b"}`, nil, 400, `"duplicate_field"`},
		{"wrong type", "POST", "/control/v1/keys", `{"name":1}`, nil, 400, `"wrong type"`},
		{"array", "POST", "/control/v1/keys", `[]`, nil, 400, `"invalid_request"`},
		{"no name", "POST", "/control/v1/keys", `{}`, nil, 400, `"param":"name"`},
		{"blank name", "POST", "/control/v1/keys", `{"name":"  "}`, nil, 400, `"param":"name"`},
		{"control character", "POST", "/control/v1/keys", `{"name":"a\u001b[31m"}`, nil, 400, `"param":"name"`},
		{"long name", "POST", "/control/v1/keys", `{"name":"` + long[:101] + `"}`, nil, 400, `"param":"name"`},
		{"too large", "POST", "/control/v1/keys", `{"name":"` + long + `"}`, nil, 413, `"body_too_large"`},
		{"a long unknown field is not echoed whole", "POST", "/control/v1/keys", `{"` + long[:10_000] + `":1}`, nil, 400, `xxx…"`},

		{"limit 0", "GET", "/control/v1/keys?limit=0", "", nil, 400, `"param":"limit"`},
		{"limit too high", "GET", "/control/v1/keys?limit=1001", "", nil, 400, `"param":"limit"`},
		{"limit no number", "GET", "/control/v1/keys?limit=x", "", nil, 400, `"param":"limit"`},
		{"after nothing", "GET", "/control/v1/keys?after=key_x", "", nil, 404, `"not_found"`},
		{"revoke unknown", "POST", "/control/v1/keys/key_x/revoke", "", nil, 404, `"not_found"`},
		{"delete unknown", "DELETE", "/control/v1/keys/key_x", "", nil, 404, `"not_found"`},

		{"put config", "PUT", "/control/v1/config", "{}", nil, 409, `/etc/fairlead.yaml`},
		{"patch config", "PATCH", "/control/v1/config", "{}", nil, 409, `/etc/fairlead.yaml`},
		{"rollback", "POST", "/control/v1/revisions/3/rollback", "", nil, 409, `/etc/fairlead.yaml`},
		{"weight", "PATCH", "/control/v1/endpoints/openai/gpt@openai", `{"weight":0}`, nil, 409, `/etc/fairlead.yaml`},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, answer := p.ask(t, c.method, c.path, c.body, c.headers...)
			if want := strings.Trim(c.want, `"`); status != c.status || !strings.Contains(answer, want) {
				t.Errorf("got %d %.300s, want %d with %s", status, answer, c.status, want)
			}
			var e struct {
				Error struct{ Code, Message string }
			}
			if err := json.Unmarshal([]byte(answer), &e); err != nil || e.Error.Code == "" || e.Error.Message == "" {
				t.Errorf("not an error of the control plane: %.300s", answer)
			}
			if len(answer) > 1000 {
				t.Errorf("the answer has %d bytes", len(answer))
			}
		})
	}
	if keys, err := p.store.Keys(t.Context(), "", 10); err != nil || len(keys) != 0 {
		t.Errorf("refused requests left %v, %v", keys, err)
	}
}

func TestUnsetTokenAdmitsNobody(t *testing.T) {
	p := newPlane(t, func(o *control.Options) { o.Token = fairlead.Secret{} })
	for _, auth := range []string{"", "Bearer ", "Bearer", "Bearer [secret]", "Bearer " + token} {
		if status, answer := p.ask(t, "GET", "/control/v1/keys", "", "Authorization", auth); status != 401 {
			t.Errorf("%q: %d %s", auth, status, answer)
		}
	}
}

func TestHostsOfThisMachine(t *testing.T) {
	p := newPlane(t, func(o *control.Options) { o.Hosts = []string{"control.example"} })
	for _, host := range []string{"localhost", "LOCALHOST:1", "fairlead.localhost:8485", "127.0.0.1", "127.8.8.8:9", "[::1]:8485", "[::1]", "control.example:443"} {
		if status, answer := p.ask(t, "GET", "/livez", "", "Host", host); status != 200 {
			t.Errorf("Host %q: %d %s", host, status, answer)
		}
	}
}

func TestOpenPaths(t *testing.T) {
	p := newPlane(t, func(o *control.Options) {
		o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fairlead_up 1\n") })
	})
	for path, want := range map[string]string{"/livez": `"ok"`, "/metrics": "fairlead_up 1"} {
		if status, answer := p.ask(t, "GET", path, "", "Authorization", ""); status != 200 || !strings.Contains(answer, want) {
			t.Errorf("%s: %d %s", path, status, answer)
		}
	}
	if status, answer := p.ask(t, "HEAD", "/livez", ""); status != 200 || answer != "" {
		t.Errorf("HEAD: %d %q", status, answer)
	}
}

func TestState(t *testing.T) {
	p := newPlane(t)
	got := p.askJSON(t, "GET", "/control/v1/config", "", 200)
	for name, want := range map[string]any{
		"revision": 3.0, "source": "file", "file": "/etc/fairlead.yaml", "loaded": "2026-01-02T03:04:05Z", "error": "line 3: unknown field",
	} {
		if got[name] != want {
			t.Errorf("config: %s is %v, want %v", name, got[name], want)
		}
	}
	list := p.askJSON(t, "GET", "/control/v1/endpoints", "", 200)["data"].([]any)
	e := list[0].(map[string]any)
	if price, ok := e["price"]; len(list) != 1 || e["id"] != "fake/echo@fake" || e["weight"] != 100.0 || !ok || price != nil {
		t.Errorf("endpoints: %v", list)
	}
}

// TestSlowBody holds that a body which does not arrive ends the request: the deadline is of this
// handler, so it is there whatever server it runs in.
func TestSlowBody(t *testing.T) {
	deadline := make(chan time.Time, 1)
	w := deadlineRecorder{httptest.NewRecorder(), deadline}
	req := httptest.NewRequestWithContext(t.Context(), "POST", "/control/v1/keys", strings.NewReader("{}"))
	req.Header.Set("Authorization", "Bearer "+token)
	control.New(control.Options{Token: fairlead.NewSecret(token)}).ServeHTTP(w, req)
	select {
	case at := <-deadline:
		if at.IsZero() {
			t.Error("the deadline was taken away")
		}
	default:
		t.Error("no read deadline was set")
	}
}

type deadlineRecorder struct {
	*httptest.ResponseRecorder
	deadline chan<- time.Time
}

// SetReadDeadline notes the deadline as a connection would.
func (d deadlineRecorder) SetReadDeadline(at time.Time) error {
	d.deadline <- at
	return nil
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lockedBuffer holds a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
