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

// untilWatched waits until the caller of the only busy connection is watched, or has sent so much already that
// there is no room to watch.
func (s *Server) untilWatched(t testing.TB) {
	for end := time.Now().Add(patience); time.Now().Before(end); runtime.Gosched() {
		if s.watched() {
			return
		}
	}
	t.Error("the caller is not watched")
}

func (s *Server) watched() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.watch.mu.Lock()
		on := c.watch.on && c.watch.still && c.watch.due
		c.watch.mu.Unlock()
		if on {
			return true
		}
	}
	return false
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

// TestManyWatched has exchanges of all lengths around those from which on callers are watched on connections that are used again, so
// that watching begins, ends and is late in every order; the race detector looks on.
func TestManyWatched(t *testing.T) {
	_, addr := serve(t, options(func(w http.ResponseWriter, r *http.Request) {
		d, err := time.ParseDuration(r.URL.Path[1:])
		if err != nil {
			t.Error(err)
		}
		if d > 0 {
			<-time.After(d)
		}
		echo(w, r)
	}), "", "")
	done := make(chan bool)
	for i := range 16 {
		go func() {
			defer func() { done <- true }()
			caller := dial(t, addr)
			for n := range 20 {
				path := "/0s"
				if n%4 != 3 {
					path = "/" + (sweepEvery + time.Duration(i+n%3)*2*time.Millisecond).String()
				}
				if _, err := io.WriteString(caller, post(path, "x")); err != nil {
					t.Error(err)
					return
				}
				resp, err := http.ReadResponse(caller.in, nil)
				if err != nil {
					t.Error(err)
					return
				}
				if body, err := io.ReadAll(resp.Body); err != nil || string(body) != path+":x" {
					t.Errorf("%s: %q, %v", path, body, err)
				}
			}
		}()
	}
	for range 16 {
		<-done
	}
}
