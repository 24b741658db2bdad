// Package control is the HTTP API of the control plane: keys, the configuration's state, the live
// endpoints, metrics. It declares the small interfaces of the store and of the feed that it uses.
// Everything under /control/v1 wants the admin token; no cross-origin access is ever granted.
package control

import (
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"fairlead"
)

// Options is what the control plane is made of.
type Options struct {
	Store   Store
	Feed    Feed
	Token   fairlead.Secret // an unset one admits nobody
	Metrics http.Handler    // served at /metrics; nil = not found
	Status  func() Status   // asked at each request
	Forget  func()          // drops what is held against endpoints; nil = nothing is
	Hosts   []string        // further Host names taken on loopback, such as a reverse proxy's
	Log     *slog.Logger    // nil = discarded
	Now     func() time.Time
}

// control serves the API.
type control struct {
	Options
	mux *http.ServeMux
	// writing makes a write to the store and its way down the feed one step, in order.
	writing sync.Mutex
}

// New makes the handler of the control plane's address.
func New(o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Status == nil {
		o.Status = func() Status { return Status{} }
	}
	c := &control{Options: o, mux: http.NewServeMux()}
	for path, methods := range c.routes() {
		c.mux.Handle(path, c.resource(path, methods))
	}
	return c
}

// methods maps a method to what answers it.
type methods map[string]func(*http.Request) (status int, answer any, err error)

// routes is the whole API but for /metrics. Those without methods are nothing's path.
func (c *control) routes() map[string]methods {
	return map[string]methods{
		"/":         nil,
		"/control/": nil,
		"/livez":    {"GET": c.livez},

		"/control/v1/keys":             {"GET": c.listKeys, "POST": c.createKey},
		"/control/v1/keys/{id}":        {"DELETE": c.revokeKey},
		"/control/v1/keys/{id}/revoke": {"POST": c.revokeKey},

		"/control/v1/config":                 {"GET": c.config, "PUT": c.refuseConfig, "PATCH": c.refuseConfig},
		"/control/v1/revisions/{n}/rollback": {"POST": c.refuseConfig},
		"/control/v1/endpoints":              {"GET": c.endpoints},
		"/control/v1/endpoints/{id...}":      {"PATCH": c.refuseConfig},
		"/control/v1/health":                 {"DELETE": c.forgetHealth},
	}
}

// ServeHTTP answers a request to the control plane's address.
func (c *control) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := c.checkHost(r); err != nil {
		c.writeError(w, r, err)
		return
	}
	if r.URL.Path == "/metrics" && c.Metrics != nil {
		c.Metrics.ServeHTTP(w, r)
		return
	}
	c.mux.ServeHTTP(w, r)
}

// resource answers each method that a path has; GET answers HEAD as well. The token is asked for
// here, by the path of the table and not by that of the request, so that no way of writing a path
// leads past it.
func (c *control) resource(path string, m methods) http.Handler {
	allow := make([]string, 0, len(m))
	for name := range m {
		allow = append(allow, name)
	}
	slices.Sort(allow)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(path, "/control/") {
			if err := c.authorize(r); err != nil {
				w.Header().Set("WWW-Authenticate", "Bearer")
				c.writeError(w, r, err)
				return
			}
		}
		if len(m) == 0 {
			c.writeError(w, r, fairlead.Errorf(fairlead.CodeNotFound, "nothing is served at this path of the control plane"))
			return
		}
		name := r.Method
		if name == http.MethodHead {
			name = http.MethodGet
		}
		f, ok := m[name]
		if !ok {
			w.Header().Set("Allow", strings.Join(allow, ", "))
			c.writeError(w, r, fairlead.Errorf(fairlead.CodeMethodNotAllowed, "this path takes "+strings.Join(allow, ", ")))
			return
		}
		limitBody(w, r)
		status, answer, err := f(r)
		if err != nil {
			c.writeError(w, r, err)
			return
		}
		c.write(w, r, status, answer)
	})
}

func (c *control) livez(*http.Request) (int, any, error) {
	return http.StatusOK, map[string]string{"status": "ok"}, nil
}

// checkHost refuses, on a loopback address, a Host that is no name of this machine: a web page whose
// own name was pointed at 127.0.0.1 would otherwise be of the same origin (DNS rebinding). On any
// other address the operator chose to be reached by names that are not known here.
func (c *control) checkHost(r *http.Request) error {
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
