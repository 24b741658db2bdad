package front

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fairlead"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds a conversation of these tests; only a defect reaches it.
const patience = 20 * time.Second

// options are those of a server that answers what is malformed with its status and code.
func options(h http.HandlerFunc) Options {
	return Options{
		Handler: h, HeaderTime: time.Minute, IdleTime: time.Minute, WriteTime: time.Minute, MaxHeader: 8 << 10, Log: slog.New(slog.DiscardHandler),
		Malformed: func(w http.ResponseWriter, r *http.Request, e *fairlead.Error) {
			body := string(e.Code) + " " + r.URL.Path
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			w.WriteHeader(e.HTTPStatus())
			_, _ = io.WriteString(w, body)
		},
	}
}

// serve starts a server and gives its address. It ends with the test.
func serve(t testing.TB, o Options, cert, key string) (*Server, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	s := New(o)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l, cert, key) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
		<-s.left
	})
	return s, l.Addr().String()
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// talk is a caller's side of a connection.
type talk struct {
	net.Conn
	in *bufio.Reader
}

func dial(t testing.TB, addr string) *talk {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	check(t, err)
	t.Cleanup(func() { _ = c.Close() })
	check(t, c.SetDeadline(time.Now().Add(patience)))
	return &talk{c, bufio.NewReader(c)}
}

func (c *talk) say(t testing.TB, raw string) {
	t.Helper()
	_, err := io.WriteString(c, raw)
	check(t, err)
}

// hear reads an answer; broken tells that its body ended before its end.
func (c *talk) hear(t testing.TB, method string) (resp *http.Response, body string, broken bool) {
	t.Helper()
	resp, err := http.ReadResponse(c.in, &http.Request{Method: method})
	check(t, err)
	all, err := io.ReadAll(resp.Body)
	return resp, string(all), err != nil
}

// over reports whether the connection ends here.
func (c *talk) over(t testing.TB) bool {
	t.Helper()
	_, err := c.in.ReadByte()
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the connection did not end: %v", err)
	}
	return err != nil
}

// post is a request with a body of a stated length.
func post(path, body string, header ...string) string {
	lines := append([]string{"POST " + path + " HTTP/1.1", "Host: a", "Content-Length: " + strconv.Itoa(len(body))}, header...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}

// echo answers with a request's path and body.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	answer := r.URL.Path + ":" + string(body)
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	_, _ = io.WriteString(w, answer)
}
