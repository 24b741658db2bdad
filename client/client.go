// Package client speaks to the control plane over HTTP. Errors that the control plane answered with
// are *fairlead.Error; one that it could not be reached is ErrUnreachable.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"fairlead"
	"fairlead/internal/jitter"
)

const (
	// Timeout bounds a call whose context has no deadline of its own.
	Timeout = time.Minute

	maxAnswer = 64 << 20 // bytes
	maxError  = 8 << 20  // bytes of an answer that is an error; findings make it long
)

// pauses are waited between tries of a request that only reads, a little longer or shorter.
var pauses = []time.Duration{100 * time.Millisecond, 400 * time.Millisecond}

// ErrUnreachable says that no connection to the control plane came about.
var ErrUnreachable = errors.New("the control plane cannot be reached")

// Client speaks to one control plane. Its methods may be called from several goroutines.
type Client struct {
	nodes []*url.URL    // control nodes, one at least
	at    atomic.Uint32 // the one of them that is asked first: it answered last
	token fairlead.Secret
	http  *http.Client
}

// New makes a client of the control plane at an address such as http://127.0.0.1:8485, or at those of several of its
// nodes, divided by commas: the next one is asked where one cannot be connected to.
func New(addresses string, token fairlead.Secret) (*Client, error) {
	c := &Client{token: token, http: &http.Client{
		Timeout: Timeout,
		// The control plane never redirects, and the token must not follow anyone who does.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	for address := range strings.SplitSeq(addresses, ",") {
		node, err := url.Parse(strings.TrimSpace(address))
		if err != nil || (node.Scheme != "http" && node.Scheme != "https") || node.Host == "" ||
			node.User != nil || node.RawQuery != "" || node.Fragment != "" {
			return nil, errors.New("the address of the control plane is not one such as http://127.0.0.1:8485")
		}
		node.Path = strings.TrimSuffix(node.Path, "/")
		c.nodes = append(c.nodes, node)
	}
	if len(c.nodes) > 1 {
		c.http.Transport = impatient()
	}
	return c, nil
}

// dialTime bounds the wait for a node that does not even refuse, where there is another one to ask.
const dialTime = 3 * time.Second

func impatient() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	t = t.Clone()
	t.DialContext = (&net.Dialer{Timeout: dialTime}).DialContext
	return t
}

// Address is where the control plane is: those of its nodes, divided by ", ".
func (c *Client) Address() string {
	list := make([]string, len(c.nodes))
	for i, node := range c.nodes {
		list[i] = node.String()
	}
	return strings.Join(list, ", ")
}

// ask is one request of a method.
type ask struct {
	method  string
	path    []string // below /control/v1
	query   url.Values
	body    any    // sent as JSON; nil = none
	raw     []byte // sent as it is, in the place of body
	kind    string // media type of raw
	ifMatch *int64 // the revision that the write was made from
}

// call sends a request, with body as JSON where it is not nil, and reads the answer into answer.
func (c *Client) call(ctx context.Context, method string, path []string, query url.Values, body, answer any) error {
	return c.send(ctx, ask{method: method, path: path, query: query, body: body}, answer)
}

// get reads what is at a path.
func (c *Client) get(ctx context.Context, query url.Values, answer any, path ...string) error {
	return c.send(ctx, ask{method: http.MethodGet, path: path, query: query}, answer)
}

// send sends a request and reads the answer into answer.
func (c *Client) send(ctx context.Context, a ask, answer any) error {
	b, err := c.bytes(ctx, a)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, answer); err != nil {
		return fmt.Errorf("read answer of the control plane: not its JSON; is %s a control plane? %w", c.Address(), err)
	}
	return nil
}

// bytes sends a request and reads the answer as it is.
func (c *Client) bytes(ctx context.Context, a ask) ([]byte, error) {
	resp, err := c.do(ctx, a, c.http)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("read answer of the control plane: %w", err)
	}
	if len(b) > maxAnswer {
		return nil, errors.New("read answer of the control plane: it is larger than 64 MiB")
	}
	return b, nil
}

// do sends a request and gives a good answer, which the caller closes; any other becomes an error. What only reads
// is sent again where no connection came about or one broke before an answer: a control plane that restarts is
// back in a moment. What writes is sent once.
func (c *Client) do(ctx context.Context, a ask, by *http.Client) (*http.Response, error) {
	for again := 0; ; again++ {
		resp, err := c.round(ctx, a, by)
		switch {
		case err == nil && resp.StatusCode/100 == 2:
			return resp, nil
		case err == nil:
			defer resp.Body.Close()
			b, err := io.ReadAll(io.LimitReader(resp.Body, maxError))
			if err != nil {
				return nil, fmt.Errorf("read answer of the control plane: %w", err)
			}
			return nil, answeredError(resp.StatusCode, b)
		case a.method != http.MethodGet || again >= len(pauses) || !broke(err):
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(jitter.About(pauses[again])):
		}
	}
}

// round sends a request to one node after the other, beginning with the one that answered last, until one answers. A node
// is passed over that cannot be connected to, and by what only reads also one whose connection broke.
func (c *Client) round(ctx context.Context, a ask, by *http.Client) (*http.Response, error) {
	first, n := c.at.Load(), uint32(len(c.nodes))
	for i := range n {
		at := (first + i) % n
		req, err := c.request(ctx, c.nodes[at], a)
		if err != nil {
			return nil, err
		}
		resp, failed := by.Do(req)
		if failed == nil {
			c.at.Store(at)
			return resp, nil
		}
		err = unreachable(ctx, failed)
		if i == n-1 || !errors.Is(err, ErrUnreachable) && (a.method != http.MethodGet || !broke(failed)) {
			return nil, err
		}
	}
	return nil, ErrUnreachable
}

// broke reports whether a request failed for its connection, and not for time that ran out.
func broke(err error) bool {
	var lost *net.OpError
	return (errors.As(err, &lost) && !lost.Timeout()) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func (c *Client) request(ctx context.Context, node *url.URL, a ask) (*http.Request, error) {
	target := node.JoinPath("control", "v1")
	for _, part := range a.path {
		if part == "" || part == "." || part == ".." { // a path would be made shorter by them
			return nil, fairlead.Errorf(fairlead.CodeNotFound, fmt.Sprintf("%q is no name of anything", part))
		}
		target = target.JoinPath(url.PathEscape(part))
	}
	target.RawQuery = a.query.Encode()
	content, kind := a.raw, a.kind
	if a.body != nil {
		b, err := json.Marshal(a.body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		content, kind = b, "application/json"
	}
	var body io.Reader
	if content != nil {
		body = bytes.NewReader(content)
	}
	req, err := http.NewRequestWithContext(ctx, a.method, target.String(), body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if a.ifMatch != nil {
		req.Header.Set("If-Match", strconv.Quote(strconv.FormatInt(*a.ifMatch, 10)))
	}
	if c.token.Set() {
		req.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	}
	return req, nil
}

// unreachable tells a connection that did not come about from one that broke.
func unreachable(ctx context.Context, err error) error {
	var dial *net.OpError
	if ctx.Err() == nil && errors.As(err, &dial) && dial.Op == "dial" {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return fmt.Errorf("call the control plane: %w", err)
}

// RefusedError is a document that the control plane refused, with everything that is wrong with it.
type RefusedError struct {
	Err      *fairlead.Error
	Findings []Finding
}

// Error gives the control plane's own error.
func (r *RefusedError) Error() string { return r.Err.Error() }

// Unwrap gives the control plane's own error.
func (r *RefusedError) Unwrap() error { return r.Err }

// answeredError gives what the control plane said. Something else on its address may answer, too.
func answeredError(status int, body []byte) error {
	var answer struct {
		Error struct {
			Code     fairlead.Code `json:"code"`
			Message  string        `json:"message"`
			Param    string        `json:"param"`
			Hint     string        `json:"hint"`
			Findings []Finding     `json:"findings"`
		} `json:"error"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Error.Code == "" {
		return fmt.Errorf("the control plane answered with status %d %s and no error of its own", status, http.StatusText(status))
	}
	e := answer.Error
	err := &fairlead.Error{Code: e.Code, Message: e.Message, Param: e.Param, Hint: e.Hint, Status: status}
	if len(e.Findings) > 0 {
		return &RefusedError{err, e.Findings}
	}
	return err
}
