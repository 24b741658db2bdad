package front

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// long is more than is gathered before it is written.
var long = strings.Repeat("0123456789abcdef", 4<<10)

// answers are those of handlers, and what their callers see of them.
var answers = map[string]struct {
	do     http.HandlerFunc
	ask    string // "" = a POST
	status int
	body   string
	broken bool
	kept   bool
}{
	"nothing": {do: func(http.ResponseWriter, *http.Request) {}, status: 200, kept: true},
	"stated length": {do: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5")
		_, _ = io.WriteString(w, "hel")
		_, _ = io.WriteString(w, "lo")
	}, status: 200, body: "hello", kept: true},
	"chunks": {do: func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hel")
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, "")
		_, _ = io.WriteString(w, "lo")
	}, status: 200, body: "hello", kept: true},
	"long, in chunks": {do: func(w http.ResponseWriter, _ *http.Request) {
		for range 3 {
			_, _ = io.WriteString(w, long)
		}
	}, status: 200, body: long + long + long, kept: true},
	"long, stated": {do: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(long)+1))
		_, _ = io.WriteString(w, "x")
		_, _ = io.WriteString(w, long)
	}, status: 200, body: "x" + long, kept: true},
	"shorter than stated": {do: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "6")
		_, _ = io.WriteString(w, "hello")
	}, status: 200, body: "hello", broken: true},
	"longer than stated": {do: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5")
		_, _ = io.WriteString(w, "hello")
		if _, err := io.WriteString(w, "!"); err != http.ErrContentLength {
			panic(err)
		}
	}, status: 200, body: "hello", kept: true},
	"a length that is none": {do: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "-5")
		_, _ = io.WriteString(w, "hello")
	}, status: 200, body: "hello", kept: true},
	"broken off in chunks": {do: func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}, status: 200, body: "hello", broken: true},
	"a defect in chunks": {do: func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello")
		_ = http.NewResponseController(w).Flush()
		panic("a defect")
	}, status: 200, body: "hello", broken: true},
	"no content": {do: func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		if _, err := io.WriteString(w, "x"); err != http.ErrBodyNotAllowed {
			panic(err)
		}
	}, status: 204, kept: true},
	"only the first status counts": {do: func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusOK)
	}, status: 418, kept: true},
	"the handler ends the connection": {do: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "Close")
		_, _ = io.WriteString(w, "hello")
	}, status: 200, body: "hello"},
	"the caller ends the connection": {do: echo, ask: post("/a", "hi", "Connection: close"), status: 200, body: "/a:hi"},
	"HEAD":                           {do: echo, ask: "HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n", status: 200, kept: true},
	"HTTP/1.0":                       {do: echo, ask: "GET /a HTTP/1.0\r\n\r\n", status: 200, body: "/a:"},
	"HTTP/1.0, no length": {do: func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello")
	}, ask: "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", status: 200, body: "hello"},
	"a header of two lines is not sent": {do: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Bad", "a\r\nContent-Length: 0")
		_, _ = io.WriteString(w, "hello")
	}, status: 200, body: "hello", kept: true},
}

// TestAnswers holds how each kind of answer is framed, and whether its connection is used on.
func TestAnswers(t *testing.T) {
	for name, c := range answers {
		t.Run(name, func(t *testing.T) {
			n := 0
			_, addr := serve(t, options(func(w http.ResponseWriter, r *http.Request) {
				if n++; n > 1 {
					echo(w, r)
					return
				}
				c.do(w, r)
			}), "", "")
			caller := dial(t, addr)
			if c.ask == "" {
				c.ask = post("/a", "hi")
			}
			caller.say(t, c.ask)
			method, _, _ := strings.Cut(c.ask, " ")
			resp, body, broken := caller.hear(t, method)
			if resp.StatusCode != c.status || body != c.body || broken != c.broken {
				t.Fatalf("status %d, broken %v, %d bytes: %.40q", resp.StatusCode, broken, len(body), body)
			}
			if resp.Header.Get("Date") == "" || resp.Header.Get("X-Bad") != "" {
				t.Errorf("headers %v", resp.Header)
			}
			if !c.kept {
				if !c.broken && !resp.Close || !caller.over(t) {
					t.Errorf("the connection was kept, or nothing said that it ends: %v", resp.Header)
				}
				return
			}
			caller.say(t, post("/b", "again"))
			if _, body, _ := caller.hear(t, "POST"); body != "/b:again" {
				t.Errorf("the next answer is %q", body)
			}
		})
	}
}

// TestBodies holds what becomes of a request's body: asked for, read in pieces, left unread.
func TestBodies(t *testing.T) {
	ignore := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }
	chunked := "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, c := range []struct {
		name   string
		do     http.HandlerFunc
		say    []string // each is said when the answer to the one before has begun
		status int
		body   string
		kept   bool
	}{
		{"small, unread", ignore, []string{post("/a", "small")}, 403, "", true},
		{"large, unread", ignore, []string{post("/a", strings.Repeat("x", 3<<20))}, 403, "", false},
		{"chunked, unread", ignore, []string{chunked + "2\r\nhi\r\n0\r\n\r\n"}, 403, "", false},
		{"chunked", echo, []string{chunked + "2\r\nhi\r\n0\r\nX-T: 1\r\n\r\n"}, 200, "/a:hi", true},
		{"leave asked for", echo, []string{"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n", "hi"}, 200, "/a:hi", true},
		{"leave asked for in vain", ignore, []string{"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"}, 403, "", false},
		{"broken framing", echo, []string{chunked + "zz\r\n"}, 0, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, addr := serve(t, options(c.do), "", "")
			caller := dial(t, addr)
			caller.say(t, c.say[0])
			for _, more := range c.say[1:] {
				resp, _, _ := caller.hear(t, "POST")
				if resp.StatusCode != http.StatusContinue {
					t.Fatalf("status %d before the body was sent", resp.StatusCode)
				}
				caller.say(t, more)
			}
			if c.status == 0 {
				if !caller.over(t) {
					t.Error("an answer came")
				}
				return
			}
			resp, body, broken := caller.hear(t, "POST")
			if resp.StatusCode != c.status || body != c.body || broken || resp.Close == c.kept {
				t.Errorf("status %d, %q, broken %v, closes %v", resp.StatusCode, body, broken, resp.Close)
			}
			if c.kept {
				caller.say(t, post("/livez", ""))
				if resp, _, _ := caller.hear(t, "POST"); resp.StatusCode != 403 && resp.StatusCode != 200 {
					t.Errorf("then status %d", resp.StatusCode)
				}
			} else if !caller.over(t) {
				t.Error("the connection was kept")
			}
		})
	}
}

// TestMalformed holds that each request that cannot be read is answered with its path, if it has one, and
// ends the connection without the handler.
func TestMalformed(t *testing.T) {
	o := options(func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") })
	_, addr := serve(t, o, "", "")
	for name, c := range map[string]struct {
		raw    string
		status int
		body   string
	}{
		"not HTTP":             {"hello\r\n\r\n", 400, "malformed_request "},
		"no version":           {"GET /a\r\n\r\n", 400, "malformed_request /a"},
		"another version":      {"GET /a HTTP/3.0\r\nHost: a\r\n\r\n", 400, "malformed_request /a"},
		"no host":              {"GET /a?b=c HTTP/1.1\r\n\r\n", 400, "malformed_request /a"},
		"a host that is none":  {"GET /a HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "malformed_request /a"},
		"unknown encoding":     {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 400, "malformed_request /a"},
		"two lengths":          {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400, "malformed_request /a"},
		"a space in a name":    {"POST /a HTTP/1.1\r\nHost: a\r\nX y: 1\r\n\r\n", 400, "malformed_request /a"},
		"a NUL in a value":     {"POST /a HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", 400, "malformed_request /a"},
		"an odd expectation":   {"POST /a HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 2\r\n\r\nhi", 417, "malformed_request /a"},
		"a large header":       {"POST /a HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 9<<10) + "\r\n\r\n", 431, "headers_too_large /a"},
		"an endless line":      {"POST /" + strings.Repeat("x", 2<<20), 431, "headers_too_large /" + strings.Repeat("x", readSize-6)},
		"an endless header":    {"POST /a HTTP/1.1\r\n" + strings.Repeat("X: y\r\n", 9<<10), 431, "headers_too_large /a"},
		"a request inside one": {"GET /a HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed_request /a"},
	} {
		t.Run(name, func(t *testing.T) {
			caller := dial(t, addr)
			caller.say(t, c.raw)
			resp, body, broken := caller.hear(t, "POST")
			if resp.StatusCode != c.status || body != c.body || broken || !resp.Close {
				t.Errorf("status %d, %.80q, broken %v, closes %v", resp.StatusCode, body, broken, resp.Close)
			}
			if !caller.over(t) {
				t.Error("the connection was kept")
			}
		})
	}
}

// TestPipelined holds that requests sent at once are answered in order, also where the first lasts so long
// that its caller is watched.
func TestPipelined(t *testing.T) {
	s, addr := serve(t, options(nil), "", "")
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.URL.Path == "/slow" {
			s.untilWatched(t, r.RemoteAddr)
		}
		_, _ = io.WriteString(w, r.URL.Path+":"+string(body))
	})
	caller := dial(t, addr)
	long := strings.Repeat("y", 3*earlyMost)
	caller.say(t, post("/slow", "1")+post("/b", "2"))
	caller.say(t, post("/slow", "3")+post("/d", long)+"\r\n\r\n"+post("/e", "5"))
	for _, want := range []string{"/slow:1", "/b:2", "/slow:3", "/d:" + long, "/e:5"} {
		if _, body, _ := caller.hear(t, "POST"); body != want {
			t.Fatalf("%.40q, want %.40q", body, want)
		}
	}
}

// TestTrailers holds that what is set with http.TrailerPrefix stands behind a body in chunks, and nowhere
// else.
func TestTrailers(t *testing.T) {
	_, addr := serve(t, options(func(w http.ResponseWriter, r *http.Request) {
		w.Header()[http.TrailerPrefix+"X-Early"] = []string{"set before the head"}
		if r.URL.Path == "/stated" {
			w.Header().Set("Content-Length", "5")
		}
		_, _ = io.WriteString(w, "hello")
		w.Header()[http.TrailerPrefix+"X-Behind"] = []string{"it"}
		w.Header()[http.TrailerPrefix+"X-Split"] = []string{"a\r\nX-Forged: b"}
	}), "", "")
	for path, want := range map[string]string{"/": "map[X-Behind:[it] X-Early:[set before the head]]", "/stated": "map[]"} {
		caller := dial(t, addr)
		for range 2 { // the second shows that nothing of the first is left
			caller.say(t, post(path, ""))
			resp, body, _ := caller.hear(t, "POST")
			if got := fmt.Sprint(resp.Trailer); body != "hello" || got != want {
				t.Errorf("%s: %q with the trailers %s, want %s", path, body, got, want)
			}
			for name := range resp.Header {
				if strings.HasPrefix(name, "X-") || strings.HasPrefix(name, "Trailer") {
					t.Errorf("%s: %s stands in the head", path, name)
				}
			}
		}
	}
}
