package control_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/control"
)

func now(o control.Options) func() time.Time {
	if o.Now != nil {
		return o.Now
	}
	return time.Now
}

// refusal is a request that is refused.
type refusal struct {
	name    string
	method  string
	path    string
	body    string
	headers []string
	status  int
	want    string // in the answer
}

var (
	long       = strings.Repeat("x", 1<<20)
	asViewer   = []string{"Authorization", "Bearer VIEWER"} // stands for a token of that level
	asOperator = []string{"Authorization", "Bearer OPERATOR"}
)

var manyNulls = func() (list []string) {
	for i := range 1 << 16 {
		list = append(list, fmt.Sprintf(`"a/%d":null`, i))
	}
	return list
}()

var refusals = []refusal{
	{"no token", "GET", "/control/v1/keys", "", []string{"Authorization", ""}, 401, `"missing_key"`},
	{"wrong token", "GET", "/control/v1/keys", "", []string{"Authorization", "Bearer wrong"}, 401, `"invalid_key"`},
	{"a wrong token of our form", "GET", "/control/v1/keys", "", []string{"Authorization", "Bearer fl-admin-" + strings.Repeat("0", 64)}, 401, `"invalid_key"`},
	{"a part of the token", "GET", "/control/v1/keys", "", []string{"Authorization", "Bearer " + token[:10]}, 401, `"invalid_key"`},
	{"more than the token", "GET", "/control/v1/keys", "", []string{"Authorization", "Bearer " + token + "x"}, 401, `"invalid_key"`},
	{"another scheme", "GET", "/control/v1/keys", "", []string{"Authorization", "Basic " + token}, 401, `"missing_key"`},
	{"a token in a cookie", "GET", "/control/v1/keys", "", []string{"Authorization", "", "Cookie", "token=" + token}, 401, `"missing_key"`},
	{"unknown path without token", "GET", "/control/v1/nothing", "", []string{"Authorization", ""}, 401, `"missing_key"`},
	{"unknown method without token", "PUT", "/control/v1/keys", "", []string{"Authorization", ""}, 401, `"missing_key"`},
	{"write without token", "POST", "/control/v1/keys", `{"name":"a"}`, []string{"Authorization", ""}, 401, `"missing_key"`},
	{"the document without token", "GET", "/control/v1/openapi.json", "", []string{"Authorization", ""}, 401, `"missing_key"`},
	{"unknown path", "GET", "/control/v1/nothing", "", nil, 404, `"not_found"`},
	{"unknown path elsewhere", "GET", "/nothing", "", nil, 404, `"not_found"`},
	{"no metrics mounted", "GET", "/metrics", "", nil, 404, `"not_found"`},
	{"the folder", "GET", "/control", "", nil, 404, `"not_found"`},
	{"a path that goes up", "GET", "/control/v1/keys/../config", "", nil, 404, `"not_found"`},
	{"a path with two slashes", "GET", "/control//v1/config", "", nil, 404, `"not_found"`},
	{"a long path", "DELETE", "/control/v1/keys/" + long[:2000], "", nil, 404, `"not_found"`},
	{"a path with a line break", "DELETE", "/control/v1/keys/a%0Ab", "", nil, 404, `"not_found"`},
	{"a path that is no UTF-8", "DELETE", "/control/v1/keys/%ff", "", nil, 404, `"not_found"`},
	{"method", "PUT", "/control/v1/keys", "", nil, 405, `"this path takes GET, POST"`},
	{"unknown method", "BREW", "/control/v1/keys", "", nil, 405, `"this path takes GET, POST"`},
	{"unknown query parameter", "GET", "/control/v1/keys?limt=1", "", nil, 400, `"param":"limt"`},
	{"a query parameter twice", "GET", "/control/v1/keys?limit=1&limit=2", "", nil, 400, `stands twice`},
	{"a query that cannot be read", "GET", "/control/v1/keys?limit=%zz", "", nil, 400, `"invalid_request"`},
	{"a query parameter of few words", "GET", "/control/v1/config?format=xml", "", nil, 400, `"param":"format"`},
	{"a long reason", "POST", "/control/v1/keys?why=" + long[:1001], `{"name":"a"}`, nil, 400, `"param":"why"`},
	{"a reason that turns the writing", "POST", "/control/v1/keys?why=a%E2%80%AEb", `{"name":"a"}`, nil, 400, `"param":"why"`},
	{"a reason in a header that turns the writing", "POST", "/control/v1/keys", `{"name":"a"}`, []string{"X-Fairlead-Why", "a\u202eb"}, 400, `"param":"why"`},
	{"a reason with what is not seen", "POST", "/control/v1/revisions/rollback", `{"why":"a\u200bb"}`, nil, 400, `"param":"why"`},
	{"a reason with a line break", "POST", "/control/v1/keys?why=a%0Ab", `{"name":"a"}`, nil, 400, `"param":"why"`},

	{"foreign host", "GET", "/control/v1/keys", "", []string{"Host", "evil.example"}, 403, `"not_allowed"`},
	{"foreign host with port", "GET", "/livez", "", []string{"Host", "evil.example:8485"}, 403, `"not_allowed"`},
	{"host that begins like loopback", "GET", "/livez", "", []string{"Host", "127.0.0.1.evil.example"}, 403, `"not_allowed"`},
	{"host that ends like localhost", "GET", "/livez", "", []string{"Host", "evillocalhost"}, 403, `"not_allowed"`},

	{"a page of another site writes", "POST", "/control/v1/keys", `{"name":"a"}`, []string{"Sec-Fetch-Site", "cross-site"}, 403, `"not_allowed"`},
	{"a page of a sister site writes", "PUT", "/control/v1/config", `{}`, []string{"Sec-Fetch-Site", "same-site"}, 403, `"not_allowed"`},
	{"a foreign origin writes", "DELETE", "/control/v1/keys/key_x", "", []string{"Origin", "http://evil.example"}, 403, `"not_allowed"`},
	{"an origin of none writes", "POST", "/control/v1/keys", `{"name":"a"}`, []string{"Origin", "null"}, 403, `"not_allowed"`},
	{"another port of this machine writes", "PATCH", "/control/v1/config", `{}`, []string{"Origin", "http://127.0.0.1:1"}, 403, `"not_allowed"`},

	{"a viewer applies", "PUT", "/control/v1/config", configuration, asViewer, 403, `level operator`},
	{"a viewer patches", "PATCH", "/control/v1/config", `{}`, asViewer, 403, `level operator`},
	{"a viewer tries what cannot be tried", "POST", "/control/v1/keys?dry_run=true", `{"name":"a"}`, asViewer, 400, `"param":"dry_run"`},
	{"a viewer tries nothing", "PUT", "/control/v1/config?dry_run=false", configuration, asViewer, 403, `level operator`},
	{"a viewer sets a weight", "PATCH", "/control/v1/endpoints/" + echo, `{"weight":0}`, asViewer, 403, `level operator`},
	{"a viewer rolls back", "POST", "/control/v1/revisions/rollback", "", asViewer, 403, `level operator`},
	{"a viewer forgets health", "DELETE", "/control/v1/health", "", asViewer, 403, `level operator`},
	{"an operator makes a key", "POST", "/control/v1/keys", `{"name":"a"}`, asOperator, 403, `level admin`},
	{"an operator changes a key", "PATCH", "/control/v1/keys/key_x", `{}`, asOperator, 403, `level admin`},
	{"an operator rotates a key", "POST", "/control/v1/keys/key_x/rotate", "", asOperator, 403, `level admin`},
	{"an operator makes an account", "POST", "/control/v1/accounts", `{"name":"a"}`, asOperator, 403, `level admin`},
	{"an operator changes an account", "PATCH", "/control/v1/accounts/acc_x", `{}`, asOperator, 403, `level admin`},
	{"an operator closes an account", "POST", "/control/v1/accounts/acc_x/close", "", asOperator, 403, `level admin`},
	{"an operator makes a team", "POST", "/control/v1/accounts/acc_x/teams", `{"name":"a"}`, asOperator, 403, `level admin`},
	{"an operator closes a team", "POST", "/control/v1/accounts/acc_x/teams/team_x/close", "", asOperator, 403, `level admin`},
	{"an account with limits", "POST", "/control/v1/accounts", `{"name":"a","limits":[]}`, nil, 400, `not known here`},
	{"a key with budgets", "POST", "/control/v1/keys", `{"name":"a","budgets":[]}`, nil, 400, `not known here`},
	{"a team without an account", "POST", "/control/v1/keys", `{"name":"a","team":"team_x"}`, nil, 400, `"param":"team"`},
	{"an odd end", "POST", "/control/v1/keys", `{"name":"a","expires":"soon"}`, nil, 400, `"param":"expires"`},
	{"an empty glob", "POST", "/control/v1/keys", `{"name":"a","models":[""]}`, nil, 400, `"param":"models"`},
	{"a negative grace", "POST", "/control/v1/keys/key_x/rotate", `{"grace":"-1s"}`, nil, 400, `grace`},
	{"keys of a team alone", "GET", "/control/v1/keys?team=team_x", "", nil, 400, `"param":"team"`},
	{"an unknown key is changed", "PATCH", "/control/v1/keys/key_x", `{}`, nil, 404, `no key has this id`},
	{"an unknown account", "GET", "/control/v1/accounts/acc_x", "", nil, 404, `no account has this id`},
	{"teams of an unknown account", "GET", "/control/v1/accounts/acc_x/teams", "", nil, 404, `no account has this id`},
	{"an operator revokes a key", "DELETE", "/control/v1/keys/key_x", "", asOperator, 403, `level admin`},
	{"an operator makes a token", "POST", "/control/v1/tokens", `{"name":"a","level":"admin"}`, asOperator, 403, `level admin`},
	{"an operator revokes a token", "DELETE", "/control/v1/tokens/tok_x", "", asOperator, 403, `level admin`},
	{"an operator stores a secret", "PUT", "/control/v1/secrets/A", `{"value":"v"}`, asOperator, 403, `level admin`},
	{"an operator deletes a secret", "DELETE", "/control/v1/secrets/A", "", asOperator, 403, `level admin`},
	{"an operator adds a node", "POST", "/control/v1/nodes", `{"name":"n"}`, asOperator, 403, `level admin`},
	{"an operator removes a node", "DELETE", "/control/v1/nodes/n", "", asOperator, 403, `level admin`},
	{"an operator takes a backup", "GET", "/control/v1/backup", "", asOperator, 403, `level admin`},

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

	{"a configuration with an error", "PUT", "/control/v1/config", "version: 1\nmodels: {a/b: {endpoints: [{provider: none}]}}", nil, 400, `"line":2`},
	{"a configuration that is none", "PUT", "/control/v1/config", "hello", nil, 400, `"findings"`},
	{"an empty configuration", "PUT", "/control/v1/config", "", nil, 400, `"findings"`},
	{"a configuration with a credential in it", "PUT", "/control/v1/config", "version: 1\nproviders: {openai: {credentials: [{value: sk-live}]}}", nil, 400, `must be a reference`},
	{"a patch that is no JSON", "PATCH", "/control/v1/config", "version: 1", nil, 400, `"invalid_json"`},
	{"a patch that is a list", "PATCH", "/control/v1/config", "[]", nil, 400, `"invalid_json"`},
	{"a patch that is null", "PATCH", "/control/v1/config", "null", nil, 400, `"invalid_json"`},
	{"two patches", "PATCH", "/control/v1/config", "{} {}", nil, 400, `"invalid_json"`},
	{"a patch with a name twice", "PATCH", "/control/v1/config", `{"settings":{"attempts":1,"attempts":2}}`, nil, 400, `"duplicate_field"`},
	{"a deep patch", "PATCH", "/control/v1/config", strings.Repeat(`{"a":`, 500) + "1" + strings.Repeat("}", 500), nil, 400, `"too_deep"`},
	{"a patch of too many names", "PATCH", "/control/v1/config", `{"models":{` + strings.Join(manyNulls, ",") + `}}`, nil, 400, `two steps`},
	{"a patch with an unknown field", "PATCH", "/control/v1/config", `{"setings":{"attempts":1}}`, nil, 400, `setings`},
	{"a patch that leaves a model without endpoints", "PATCH", "/control/v1/config", `{"models":{"fake/plain":{"endpoints":[]}}}`, nil, 400, `"findings"`},
	{"a patch of another type", "PATCH", "/control/v1/config", `{}`, []string{"Content-Type", "application/yaml"}, 415, `"unsupported_media_type"`},
	{"a revision that is none", "PUT", "/control/v1/config", configuration, []string{"If-Match", "7"}, 400, `"param":"If-Match"`},
	{"a revision written otherwise", "PUT", "/control/v1/config", configuration, []string{"If-Match", `"01"`}, 400, `"param":"If-Match"`},
	{"a stale revision", "PUT", "/control/v1/config", configuration, []string{"If-Match", `"7"`}, 412, `"stale_revision"`},
	{"a stale patch", "PATCH", "/control/v1/config", `{}`, []string{"If-Match", `"0"`}, 412, `"stale_revision"`},
	{"a stale weight", "PATCH", "/control/v1/endpoints/" + echo, `{"weight":1}`, []string{"If-Match", `"0"`}, 412, `"stale_revision"`},

	{"neither weight nor drain", "PATCH", "/control/v1/endpoints/" + echo, `{}`, nil, 400, `"invalid_request"`},
	{"weight and drain", "PATCH", "/control/v1/endpoints/" + echo, `{"weight":1,"drain":true}`, nil, 400, `"invalid_request"`},
	{"a weight below 0", "PATCH", "/control/v1/endpoints/" + echo, `{"weight":-1}`, nil, 400, `"invalid_request"`},
	{"a weight of a text", "PATCH", "/control/v1/endpoints/" + echo, `{"weight":"1"}`, nil, 400, `"invalid_request"`},
	{"an unknown endpoint", "PATCH", "/control/v1/endpoints/fake/ecko@fake", `{"weight":1}`, nil, 404, echo},
	{"an unknown endpoint drained", "PATCH", "/control/v1/endpoints/fake/ecko@fake", `{"drain":true}`, nil, 404, `"not_found"`},
	{"an unknown endpoint undrained", "PATCH", "/control/v1/endpoints/nothing", `{"drain":false}`, nil, 404, `"not_found"`},
	{"no endpoint", "PATCH", "/control/v1/endpoints/", `{"weight":1}`, nil, 404, `"not_found"`},

	{"a revision that is not there", "GET", "/control/v1/revisions/99", "", nil, 404, `"not_found"`},
	{"a revision that cannot be", "GET", "/control/v1/revisions/0", "", nil, 404, `"not_found"`},
	{"a revision without number", "GET", "/control/v1/revisions/one", "", nil, 404, `"not_found"`},
	{"a revision with a 0 before", "GET", "/control/v1/revisions/01", "", nil, 400, `"param":"n"`},
	{"a revision with a sign", "GET", "/control/v1/revisions/+1", "", nil, 400, `"param":"n"`},
	{"a diff with a 0 before", "GET", "/control/v1/revisions/1/diff/01", "", nil, 400, `"param":"b"`},
	{"a rollback with a sign", "POST", "/control/v1/revisions/+1/rollback", "", nil, 400, `"param":"n"`},
	{"a diff with nothing", "GET", "/control/v1/revisions/1/diff/2", "", nil, 404, `"not_found"`},
	{"a rollback to nothing", "POST", "/control/v1/revisions/2/rollback", "", nil, 404, `"not_found"`},
	{"a rollback of the first", "POST", "/control/v1/revisions/rollback", "", nil, 409, `no earlier revision`},
	{"a rollback for a bad reason", "POST", "/control/v1/revisions/rollback", `{"why":"a\u0000"}`, nil, 400, `"param":"why"`},

	{"a secret without a key", "PUT", "/control/v1/secrets/A", `{"value":"v"}`, nil, 409, `--secret-key`},
	{"a secret's odd name", "PUT", "/control/v1/secrets/.a", `{"value":"v"}`, nil, 400, `"param":"name"`},
	{"a secret without value", "PUT", "/control/v1/secrets/A", `{"value":""}`, nil, 400, `"param":"value"`},
	{"a secret with a line break", "PUT", "/control/v1/secrets/A", `{"value":"hidden\nvalue"}`, nil, 400, `"param":"value"`},
	{"a secret that is not there", "DELETE", "/control/v1/secrets/A", "", nil, 404, `"not_found"`},

	{"a node's odd name", "POST", "/control/v1/nodes", `{"name":"A b"}`, nil, 400, `"param":"name"`},
	{"a node's odd role", "POST", "/control/v1/nodes", `{"name":"a","role":"boss"}`, nil, 400, `"param":"role"`},
	{"a node's odd region", "POST", "/control/v1/nodes", `{"name":"a","region":"a b"}`, nil, 400, `"param":"region"`},
	{"a node where none can join", "POST", "/control/v1/nodes", `{"name":"a"}`, nil, 409, `--bus-listen`},
	{"an unknown node", "DELETE", "/control/v1/nodes/a", "", nil, 404, `"not_found"`},

	{"a token that would be the admin", "POST", "/control/v1/tokens", `{"name":"Admin","level":"viewer"}`, nil, 400, `"param":"name"`},
	{"a token's name twice", "POST", "/control/v1/tokens", `{"name":"looker","level":"viewer"}`, nil, 409, `"param":"name"`},
	{"a token's odd level", "POST", "/control/v1/tokens", `{"name":"a","level":"root"}`, nil, 400, `"param":"level"`},
	{"an unknown token", "DELETE", "/control/v1/tokens/tok_x", "", nil, 404, `"not_found"`},
	{"an audit since never", "GET", "/control/v1/audit?since=yesterday", "", nil, 400, `"param":"since"`},
}

// TestRefusals holds that what is refused is refused in the one form of errors, and changes nothing.
func TestRefusals(t *testing.T) {
	p := applied(t)
	viewer, _ := p.token(t, "looker", "viewer")
	operator, _ := p.token(t, "steerer", "operator")
	tokens := strings.NewReplacer("VIEWER", viewer, "OPERATOR", operator)
	before := len(p.audit(t))
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			headers := slices.Clone(c.headers)
			for i := range headers {
				headers[i] = tokens.Replace(headers[i])
			}
			status, answer := p.ask(t, c.method, c.path, c.body, headers...)
			if want := strings.Trim(c.want, `"`); status != c.status || !strings.Contains(answer, want) {
				t.Errorf("got %d %.300s, want %d with %s", status, answer, c.status, want)
			}
			var e struct {
				Error struct{ Code, Message string }
			}
			if err := json.Unmarshal([]byte(answer), &e); err != nil || e.Error.Code == "" || e.Error.Message == "" {
				t.Errorf("not an error of the control plane: %.300s", answer)
			}
			if len(answer) > 2000 || strings.Contains(answer, "hidden") || strings.Contains(answer, "sk-live") {
				t.Errorf("the answer has %d bytes: %.300s", len(answer), answer)
			}
		})
	}
	if after := p.audit(t); len(after) != before || p.revision(t) != 1 {
		t.Errorf("refused requests left revision %d and %v", p.revision(t), after[before:])
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

// TestOwnPages holds that the console's own pages may write, and that nobody is ever granted another origin.
func TestOwnPages(t *testing.T) {
	p := newPlane(t)
	for _, headers := range [][]string{{"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none"}, {"Origin", p.url}} {
		resp := p.do(t, "POST", "/control/v1/keys", `{"name":"a"}`, headers...)
		if resp.StatusCode != 201 {
			t.Errorf("%v: %d", headers, resp.StatusCode)
		}
	}
	resp := p.do(t, "OPTIONS", "/control/v1/keys", "", "Origin", "http://evil.example", "Access-Control-Request-Method", "POST")
	for name := range resp.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("an answer has %s: %s", name, resp.Header.Get(name))
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
	for _, path := range []string{"/livez", "/control/v1/config", "/control/v1/backup"} {
		if status, answer := p.ask(t, "HEAD", path, ""); status != 200 || answer != "" {
			t.Errorf("HEAD %s: %d %q", path, status, answer)
		}
	}
	if got := p.audit(t); len(got) != 0 {
		t.Errorf("looking left %v in the audit", got)
	}
}

// TestSlowBody holds that a body which does not arrive ends the request: the deadline is of this
// handler, so it is there whatever server it runs in.
func TestSlowBody(t *testing.T) {
	for path, within := range map[string]time.Duration{"/control/v1/keys": 10 * time.Second, "/control/v1/config": 30 * time.Second} {
		deadline := make(chan time.Time, 1)
		w := deadlineRecorder{httptest.NewRecorder(), deadline}
		method := map[bool]string{true: "PUT", false: "POST"}[strings.HasSuffix(path, "config")]
		req := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader("["))
		req.Header.Set("Authorization", "Bearer "+token)
		begin := time.Now()
		newPlane(t).api.ServeHTTP(w, req)
		select {
		case at := <-deadline:
			if at.Before(begin) || at.After(time.Now().Add(within)) {
				t.Errorf("%s: the deadline is in %v", path, at.Sub(begin))
			}
		default:
			t.Errorf("%s: no read deadline was set", path)
		}
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
