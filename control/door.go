package control

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"fairlead"
)

// maxPath bounds a request's path, and so every id in it, in bytes.
const maxPath = 1 << 10

// checkHost refuses, on a loopback address, a Host that is no name of this machine: a web page whose
// own name was pointed at 127.0.0.1 would otherwise be of the same origin (DNS rebinding). On any
// other address the operator chose to be reached by names that are not known here.
func (c *Control) checkHost(r *http.Request) error {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok || !local.IP.IsLoopback() {
		return nil
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || slices.Contains(c.Hosts, host) {
		return nil
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		return nil
	}
	return &fairlead.Error{
		Code:    fairlead.CodeNotAllowed,
		Message: "the control plane is bound to loopback and is not served under this Host",
		Hint:    "address it as localhost or 127.0.0.1",
	}
}

// checkPath refuses a path that is not written in the one way that the table knows: the mux would redirect it,
// and a redirected write is a surprise.
func checkPath(r *http.Request) error {
	plain := r.URL.EscapedPath()
	clean := path.Clean(plain)
	if clean != "/" && strings.HasSuffix(plain, "/") {
		clean += "/"
	}
	odd := func(c rune) bool { return c < ' ' || c == 0x7f }
	switch {
	case len(plain) > maxPath, plain != clean, plain == "", plain[0] != '/', r.Method == http.MethodConnect,
		!utf8.ValidString(r.URL.Path), strings.ContainsFunc(r.URL.Path, odd):
		return fairlead.Errorf(fairlead.CodeNotFound, "nothing is served at this path of the control plane")
	}
	return nil
}

// readQuery reads a query that may name what the row lists, each once.
func readQuery(raw string, known []param) (map[string]string, error) {
	if raw == "" {
		return nil, nil
	}
	fault := func(name, message string) error {
		return &fairlead.Error{Code: fairlead.CodeInvalidRequest, Message: message, Param: shortened(name)}
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, fault("", "the query of the address cannot be read")
	}
	got := make(map[string]string, len(values))
	for name, list := range values {
		i := slices.IndexFunc(known, func(p param) bool { return p.name == name })
		switch {
		case i < 0:
			return nil, &fairlead.Error{
				Code: fairlead.CodeInvalidRequest, Param: shortened(name), Message: "this query parameter is not known here" + knownParams(known),
				Hint: v1 + "openapi.json names what each path takes; a command that sends another is of a newer version than this node (fairlead nodes)",
			}
		case len(list) > 1:
			return nil, fault(name, "this query parameter stands twice")
		case !utf8.ValidString(list[0]):
			return nil, fault(name, "this query parameter is not valid UTF-8")
		case len(known[i].oneOf) > 0 && !slices.Contains(known[i].oneOf, list[0]):
			return nil, fault(name, name+" is one of "+strings.Join(known[i].oneOf, ", "))
		}
		got[name] = list[0]
	}
	return got, nil
}

func knownParams(known []param) string {
	if len(known) == 0 {
		return "; there are none"
	}
	names := make([]string, len(known))
	for i, p := range known {
		names[i] = p.name
	}
	return "; there are " + strings.Join(names, ", ")
}

// gate lets a number of requests in at once, and of each caller fewer. The zero name has no bound of its own.
type gate struct {
	mu        sync.Mutex
	all, each int
	in        int
	of        map[string]int
	waiting   int
	left      chan struct{} // closed when one leaves
}

const (
	gateWait = 2 * time.Second // for a burst to pass; what lasts longer is too much
	gateRoom = 8               // who waits, as a multiple of who is in
)

func newGate(all, each int) *gate {
	return &gate{all: all, each: each, of: map[string]int{}, left: make(chan struct{})}
}

// enter gives what must be called at the end, once there is room, or says that there is none.
func (g *gate) enter(ctx context.Context, name string) (leave func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var patience <-chan time.Time
	for g.in >= g.all || g.of[name] >= g.each {
		if patience == nil {
			if g.waiting >= gateRoom*g.all {
				return nil, tooMany()
			}
			t := time.NewTimer(gateWait)
			defer t.Stop()
			patience = t.C
			g.waiting++
			defer func() { g.waiting-- }()
		}
		if err := g.wait(ctx, patience); err != nil {
			return nil, err
		}
	}
	g.in++
	g.of[name]++
	return func() { g.leave(name) }, nil
}

// wait gives the lock away until somebody leaves.
func (g *gate) wait(ctx context.Context, patience <-chan time.Time) error {
	left := g.left
	g.mu.Unlock()
	defer g.mu.Lock()
	select {
	case <-left:
		return nil
	case <-patience:
		return tooMany()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *gate) leave(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.in--
	if g.of[name]--; g.of[name] == 0 {
		delete(g.of, name)
	}
	close(g.left)
	g.left = make(chan struct{})
}

func tooMany() error {
	return &fairlead.Error{
		Code: fairlead.CodeRateLimited, RetryAfter: time.Second,
		Message: "too many requests of this kind are under way at the control plane",
	}
}
