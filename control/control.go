// Package control is the HTTP API of the control plane: the configuration and its revisions, endpoints and their
// weights, keys, secrets, nodes, admin tokens, the audit, backups. It declares the small interfaces of the store that
// it uses. Everything under /control/v1 wants a token of a level; no cross-origin access is ever granted. The
// table in routes.go is the whole API: the handler and the OpenAPI document are made from it.
package control

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"fairlead"
	"fairlead/internal/paced"
)

// Options is what the control plane is made of.
type Options struct {
	Store   Store
	Node    string          // this node's name
	Token   fairlead.Secret // of level admin; an unset one admits nobody
	Metrics http.Handler    // served at /metrics; nil = not found
	Status  func() Status   // of this node's data plane, asked at each request; nil = it has none
	Forget  func()          // drops what is held against endpoints; nil = nothing is
	// TellForget has the fleet's edges drop it; nil = there are none.
	TellForget func()
	Fleet      *Fleet       // what nodes say of themselves; nil = nobody is heard
	Hosts      []string     // further Host names taken on loopback, such as a reverse proxy's
	Log        *slog.Logger // nil = discarded
	Now        func() time.Time

	// File names the file that is the truth about the configuration; "" = the store is.
	File string
	// Base is the configuration in force while the store has no revision; nil = the empty one.
	Base func() (document []byte, source Source)
	// Fits says why this node's own data plane could not go by a configuration that compiles; nil = it could by any.
	Fits func(*fairlead.Config) error
	// Publish sends a committed change down the bus; nil = nobody listens.
	Publish func(fairlead.Change)
	// Applied returns once this node's own edge stands at a change; nil = at once.
	Applied func(ctx context.Context, number int64) error
	// Seal makes a version of a secret unreadable to all but nodes; nil = secrets cannot be stored.
	Seal func(name string, version int64, value fairlead.Secret) ([]byte, error)
	// Listen has f called with each batch of records that a node sends up, until stop; nil = none can be followed.
	Listen func(f func(node string, batch []byte)) (stop func(), err error)
	// NewJoinToken makes what a new node is started with; nil = no node can join.
	NewJoinToken func(name string, secret fairlead.Secret) (string, error)
}

// Control serves the API.
type Control struct {
	Options
	config  *Config
	shown   lastYAML
	faults  paced.Lines // of requests that failed
	mux     *http.ServeMux
	origins *http.CrossOriginProtection
	openapi []byte
	tails   *tails
	// looks are dry runs, each of which compiles a whole document; ends are writes that take from somebody what he may.
	// Each bounds what is under way at once of its kind, so that a flood of one starves none of the others.
	lookups, reads, writes, walks, searches, follows, ends, looks *gate
	// wholes are those that look at a document as YAML, or read or compile a whole one anew: each takes many times its size.
	wholes *gate
	// bodies and documents bound what is held of requests' bodies, by their number and so by their bytes.
	bodies, documents, previews *gate
}

// New makes the handler of the control plane's address.
func New(o Options) *Control {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Status == nil {
		o.Status = func() Status { return Status{} }
	}
	if o.Fleet == nil {
		o.Fleet = NewFleet(o.Now)
	}
	c := &Control{
		Options: o, faults: paced.Lines{Every: time.Second}, mux: http.NewServeMux(), origins: http.NewCrossOriginProtection(),
		lookups: newGate(64, 64), reads: newGate(64, 32), writes: newGate(32, 16), walks: newGate(4, 2),
		searches: newGate(4, 2), follows: newGate(tailsMost, tailsEach), tails: newTails(o.Listen),
		ends: newGate(16, 8), looks: newGate(2, 1), wholes: newGate(2, 1), bodies: newGate(128, 32), documents: newGate(16, 8), previews: newGate(8, 2),
	}
	c.config = newConfig(&c.Options)
	table := routes()
	c.openapi = describe(table)
	paths := map[string][]route{"/": nil, "/control": nil, "/control/": nil}
	for _, row := range table {
		paths[row.path] = append(paths[row.path], row)
	}
	for path, rows := range paths {
		c.mux.Handle(path, c.resource(path, rows))
	}
	return c
}

// Config is the configuration that this control plane keeps, for writers that come by another way than HTTP.
func (c *Control) Config() *Config { return c.config }

// ask is a request that was let in.
type ask struct {
	*http.Request
	w     http.ResponseWriter
	who   caller
	query map[string]string
}

// dry reports whether the caller only wants to know what a write would do.
func (a *ask) dry() bool { return a.query[dryRun.name] == "true" }

// act is what the caller does, for the audit.
func (a *ask) act(now time.Time, action, target string) fairlead.Act {
	return fairlead.Act{At: now.UTC().Truncate(time.Microsecond), By: a.who.name, Action: action, Target: target, Why: a.why()}
}

// ServeHTTP answers a request to the control plane's address.
func (c *Control) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// One of an answer before on the same connection may be over. Fails only without a connection.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	if err := c.checkHost(r); err != nil {
		c.writeError(w, r, err)
		return
	}
	if err := checkPath(r); err != nil {
		c.writeError(w, r, err)
		return
	}
	if r.URL.Path == "/metrics" && c.Metrics != nil {
		c.Metrics.ServeHTTP(w, r)
		return
	}
	if c.origins.Check(r) != nil {
		c.writeError(w, r, &fairlead.Error{
			Code: fairlead.CodeNotAllowed, Message: "a page of another site may not write here",
			Hint: "call the control plane from a program, or from its own pages",
		})
		return
	}
	c.mux.ServeHTTP(w, r)
}

// resource answers each method that a path has; GET answers HEAD as well. The token is asked for here, by the
// path of the table and not by that of the request, so that no way of writing a path leads past it.
func (c *Control) resource(path string, rows []route) http.Handler {
	allow := []string{}
	for _, row := range rows {
		allow = append(allow, row.method)
	}
	slices.Sort(allow)
	allowed := strings.Join(allow, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &ask{Request: r, w: w}
		if strings.HasPrefix(path, "/control") {
			var err error
			if a.who, err = c.authorize(r); err != nil {
				c.writeError(w, r, err)
				return
			}
		}
		if len(rows) == 0 {
			c.writeError(w, r, fairlead.Errorf(fairlead.CodeNotFound, "nothing is served at this path of the control plane"))
			return
		}
		name := r.Method
		if name == http.MethodHead {
			name = http.MethodGet
		}
		i := slices.IndexFunc(rows, func(row route) bool { return row.method == name })
		switch {
		case i >= 0:
			c.answer(a, &rows[i])
		case r.Method == http.MethodOptions:
			w.Header().Set("Allow", allowed)
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Header().Set("Allow", allowed)
			c.writeError(w, r, fairlead.Errorf(fairlead.CodeMethodNotAllowed, "this path takes "+allowed))
		}
	})
}

// answer runs a row of the table for a caller whose token is known. What the caller has entered is left when the answer
// is written: answers that nobody reads are bounded as what makes them is.
func (c *Control) answer(a *ask, row *route) {
	var in entered
	defer in.leave()
	answer, err := c.run(a, row, &in)
	switch {
	case err != nil:
		c.writeError(a.w, a.Request, err)
	case answer != nil: // a stream has answered already
		c.write(a.w, a.Request, row.success(), answer)
	}
}

func (c *Control) run(a *ask, row *route, in *entered) (any, error) {
	var err error
	if a.query, err = readQuery(a.URL.RawQuery, row.query); err != nil {
		return nil, err
	}
	need := row.level
	if a.dry() { // it only looks
		need = fairlead.LevelViewer
	}
	if err := a.who.may(need); err != nil {
		return nil, err
	}
	if err := validWhy(a.why()); err != nil {
		return nil, err
	}
	if err := limitBody(a.w, a.Request, row); err != nil {
		return nil, err
	}
	if err := c.enter(a, row, in); err != nil {
		return nil, err
	}
	if !row.write() && !row.walk && !row.follows {
		ctx, cancel := context.WithTimeout(a.Context(), readTime)
		defer cancel()
		a.Request = a.WithContext(ctx)
	}
	return row.handle(c, a)
}

// enter lets a request in among those of its kind. A write comes in once its body is there, so that no slow sender
// takes the place of others; what only looks never takes one of a write.
func (c *Control) enter(a *ask, row *route, in *entered) error {
	if row.write() && !row.ends && row.reads() {
		held := c.bodies
		switch {
		case a.dry():
			held = c.previews
		case row.takes != "":
			held = c.documents
		}
		if err := in.enter(a, held); err != nil {
			return err
		}
		body, err := readWhole(a.Request)
		if err != nil {
			return err
		}
		a.Body = io.NopCloser(bytes.NewReader(body))
	}
	if a.dry() {
		return in.enter(a, c.looks)
	}
	return in.enter(a, c.gateOf(row))
}

func (c *Control) gateOf(row *route) *gate {
	switch {
	case row.walk:
		return c.walks
	case row.search:
		return c.searches
	case row.follows:
		return c.follows
	case row.ends:
		return c.ends
	case row.write():
		return c.writes
	}
	return c.reads
}

// whole runs what makes much of a whole document, when it is its turn. The place is left before the answer is written:
// what is read slowly is bounded with all else that looks.
func (c *Control) whole(a *ask, run func() (any, error)) (any, error) {
	leave, err := c.wholes.enter(a.Context(), a.who.name)
	if err != nil {
		return nil, err
	}
	defer leave()
	return run()
}

// entered is what has to be left.
type entered []func()

func (in *entered) enter(a *ask, g *gate) error {
	leave, err := g.enter(a.Context(), a.who.name)
	if err == nil {
		*in = append(*in, leave)
	}
	return err
}

func (in *entered) leave() {
	for _, leave := range *in {
		leave()
	}
}

func (c *Control) livez(*ask) (any, error) { return livezAnswer{"ok"}, nil }

type livezAnswer struct {
	Status string `json:"status"`
}
