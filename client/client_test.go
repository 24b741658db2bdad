package client_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/client"
)

const token = "fl-admin-secret-of-this-test"

func TestAddresses(t *testing.T) {
	for address, ok := range map[string]bool{
		"http://127.0.0.1:8485":        true,
		"http://127.0.0.1:8485/":       true,
		"https://control.example/base": true,
		"":                             false,
		"127.0.0.1:8485":               false,
		"ftp://127.0.0.1":              false,
		"http://":                      false,
		"http://user:pw@127.0.0.1":     false,
		"http://127.0.0.1?x=1":         false,
		"http://127.0.0.1#x":           false,
		"http://%zz":                   false,
	} {
		c, err := client.New(address, fairlead.NewSecret(token))
		if (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
		if err != nil && strings.Contains(err.Error(), "pw") {
			t.Errorf("the error shows what may be a password: %v", err)
		}
		if err == nil && strings.HasSuffix(c.Address(), "/") {
			t.Errorf("%q became %q", address, c.Address())
		}
	}
}

// TestAnswers holds what a call makes of each kind of answer; none may show the token.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		code   fairlead.Code // "" = not an error of the control plane
		want   string        // in the error; "" = none
	}{
		{"good", 200, `{"revision":7,"source":"file","new_field":1}`, "", ""},
		{"an error of its own", 409, `{"error":{"code":"conflict","message":"no","hint":"do"}}`, fairlead.CodeConflict, "conflict: no"},
		{"an error of another's", 502, `<html>Bad Gateway</html>`, "", "status 502 Bad Gateway"},
		{"an empty error", 500, ``, "", "status 500"},
		{"JSON without an error", 404, `{"detail":"Not Found"}`, "", "status 404"},
		{"a redirect is not followed", 307, ``, "", "status 307"},
		{"not JSON", 200, `hello`, "", "is http://127.0.0.1"},
		{"truncated", 200, `{"revision":`, "", "not its JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls := 0
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls++
				if got := r.Header.Get("Authorization"); got != "Bearer "+token {
					t.Errorf("Authorization is %q", got)
				}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			defer srv.Close()
			got, err := newClient(t, srv.URL).Config(t.Context())
			if c.want == "" {
				if err != nil || got.Revision != 7 || got.Source != "file" {
					t.Errorf("got %+v, %v", got, err)
				}
				return
			}
			var e *fairlead.Error
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.As(err, &e) != (c.code != "") {
				t.Fatalf("got %v, want an error with %q", err, c.want)
			}
			if c.code != "" && (e.Code != c.code || e.Hint != "do" || e.Status != c.status) {
				t.Errorf("got %+v", e)
			}
			if calls != 1 || strings.Contains(err.Error(), token) {
				t.Errorf("%d calls; the error is %v", calls, err)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := newClient(t, address).Endpoints(t.Context()); !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("got %v, want ErrUnreachable", err)
	}
}

func TestDeadline(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer srv.Close()
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := newClient(t, srv.URL).CreateKey(ctx, "a")
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, client.ErrUnreachable) {
		t.Errorf("got %v, want the deadline", err)
	}
}

// TestKeysStops holds that a caller who has enough asks for no further page.
func TestKeysStops(t *testing.T) {
	calls := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		if calls > 1 && r.URL.Query().Get("after") != "key_b" {
			t.Errorf("page %d is asked for as %q", calls, r.URL.RawQuery)
		}
		_, _ = w.Write([]byte(`{"data":[{"id":"key_a"},{"id":"key_b"}],"next":"key_b"}`))
	}))
	defer srv.Close()
	n := 0
	for _, err := range newClient(t, srv.URL).Keys(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 3 {
			break
		}
	}
	if n != 3 || calls != 2 {
		t.Errorf("%d keys in %d calls, want 3 in 2", n, calls)
	}
}

func newClient(t *testing.T, address string) *client.Client {
	t.Helper()
	c, err := client.New(address, fairlead.NewSecret(token))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestForgetHealth(t *testing.T) {
	asked := ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.Path
		_, _ = w.Write([]byte(`{"forgotten":true}`))
	}))
	defer srv.Close()
	if err := newClient(t, srv.URL).ForgetHealth(t.Context()); err != nil || asked != "DELETE /control/v1/health" {
		t.Errorf("asked %q, %v", asked, err)
	}
}
