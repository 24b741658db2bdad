package front

import (
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"
)

// untilWatched waits until a caller is watched, or has sent so much already that there is no room to
// watch.
func (s *Server) untilWatched(t testing.TB, remote string) {
	for end := time.Now().Add(patience); time.Now().Before(end); runtime.Gosched() {
		c := s.find(remote)
		c.watch.mu.Lock()
		on := c.watch.on && c.watch.still && c.watch.due
		c.watch.mu.Unlock()
		if on {
			return
		}
	}
	t.Error("the caller is not watched")
}

// find gives the connection of a caller.
func (s *Server) find(remote string) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if c.remote == remote {
			return c
		}
	}
	return nil
}

// TestLeaver holds that a caller who leaves ends its exchange's context: at once, behind a part of a next
// request, and by a reset.
func TestLeaver(t *testing.T) {
	for name, leave := range map[string]func(t *testing.T, c *talk){
		"closes":                 func(t *testing.T, c *talk) { check(t, c.Close()) },
		"closes behind a byte":   func(t *testing.T, c *talk) { c.say(t, "G"); check(t, c.Close()) },
		"ends its side":          func(t *testing.T, c *talk) { check(t, c.Conn.(*net.TCPConn).CloseWrite()) },
		"resets":                 func(t *testing.T, c *talk) { check(t, c.Conn.(*net.TCPConn).SetLinger(0)); check(t, c.Close()) },
		"closes behind requests": func(t *testing.T, c *talk) { c.say(t, post("/b", "2")+post("/c", "3")); check(t, c.Close()) },
	} {
		t.Run(name, func(t *testing.T) {
			entered, left := make(chan struct{}), make(chan error, 8)
			_, addr := serve(t, options(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				entered <- struct{}{}
				bound, cancel := context.WithTimeout(r.Context(), patience)
				defer cancel()
				<-bound.Done()
				left <- r.Context().Err()
			}), "", "")
			caller := dial(t, addr)
			caller.say(t, post("/a", "1"))
			<-entered
			leave(t, caller)
			if err := <-left; err == nil {
				t.Error("the exchange did not learn that its caller left")
			}
		})
	}
}

// TestManyWatched has exchanges that are watched and such that are over before in every order on
// connections that are used again; the race detector looks on. Whatever came while a caller was watched
// is the next request.
func TestManyWatched(t *testing.T) {
	s, addr := serve(t, options(nil), "", "")
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.URL.Path == "/watched" {
			s.untilWatched(t, r.RemoteAddr)
		}
		_, _ = io.WriteString(w, r.URL.Path+":"+string(body))
	})
	const callers = 16
	done := make(chan bool)
	for i := range callers {
		caller := dial(t, addr)
		go func() {
			defer func() { done <- true }()
			for n := range 8 {
				first, second := "/watched", "/quick"
				if (i>>(n%3))&1 == 1 {
					first, second = second, first
				}
				caller.both(t, first, second, n%2 == 0)
			}
		}()
	}
	for range callers {
		<-done
	}
}

// both asks for two paths, at once or one after the other.
func (c *talk) both(t *testing.T, first, second string, atOnce bool) {
	asks := []string{post(first, "1"), post(second, "2")}
	if atOnce {
		asks = []string{asks[0] + asks[1], ""}
	}
	for i, want := range []string{first + ":1", second + ":2"} {
		if _, err := io.WriteString(c, asks[i]); err != nil {
			t.Error(err)
			return
		}
		resp, err := http.ReadResponse(c.in, nil)
		if err != nil {
			t.Error(err)
			return
		}
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != want {
			t.Errorf("%q, want %q: %v", body, want, err)
		}
	}
}

// TestStaleDeadlines holds that the deadlines of an exchange mean nothing to the next one on its
// connection, also where that is refused or asks for leave to send its body.
func TestStaleDeadlines(t *testing.T) {
	leave := "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
	for name, next := range map[string]struct {
		ask    string
		status int
	}{
		"a request": {post("/b", "2"), 200}, "one that asks for leave": {leave, 100}, "one that is refused": {"hello\r\n\r\n", 400},
	} {
		t.Run(name, func(t *testing.T) {
			s, addr := serve(t, options(echo), "", "")
			caller := dial(t, addr)
			caller.say(t, post("/a", "1"))
			_, _, _ = caller.hear(t, "POST")
			c := s.find(caller.LocalAddr().String())
			for end := time.Now().Add(patience); c.state.Load() != idle && time.Now().Before(end); runtime.Gosched() {
			}
			c.writeBy(past)
			caller.say(t, next.ask)
			if resp, body, _ := caller.hear(t, "POST"); resp.StatusCode != next.status {
				t.Errorf("status %d: %s", resp.StatusCode, body)
			}
		})
	}
}
