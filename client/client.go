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
	"strings"
	"time"

	"fairlead"
)

const (
	// Timeout bounds a call whose context has no deadline of its own.
	Timeout = time.Minute

	maxAnswer = 64 << 20 // bytes
)

// ErrUnreachable says that no connection to the control plane came about.
var ErrUnreachable = errors.New("the control plane cannot be reached")

// Client speaks to one control plane. Its methods may be called from several goroutines.
type Client struct {
	base  *url.URL
	token fairlead.Secret
	http  *http.Client
}

// New makes a client of the control plane at an address such as http://127.0.0.1:8485.
func New(address string, token fairlead.Secret) (*Client, error) {
	base, err := url.Parse(address)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" ||
		base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("the address of the control plane is not one such as http://127.0.0.1:8485")
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	return &Client{base: base, token: token, http: &http.Client{
		Timeout: Timeout,
		// The control plane never redirects, and the token must not follow anyone who does.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Address is where the control plane is.
func (c *Client) Address() string { return c.base.String() }

// call sends a request, with body as JSON where it is not nil, and reads the answer into answer.
func (c *Client) call(ctx context.Context, method string, path []string, query url.Values, body, answer any) error {
	req, err := c.request(ctx, method, path, query, body)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return unreachable(ctx, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("read answer of the control plane: %w", err)
	}
	if len(b) > maxAnswer {
		return errors.New("read answer of the control plane: it is larger than 64 MiB")
	}
	if resp.StatusCode/100 != 2 {
		return answeredError(resp.StatusCode, b)
	}
	if err := json.Unmarshal(b, answer); err != nil {
		return fmt.Errorf("read answer of the control plane: not its JSON; is %s a control plane? %w", c.Address(), err)
	}
	return nil
}

func (c *Client) request(ctx context.Context, method string, path []string, query url.Values, body any) (*http.Request, error) {
	target := c.base.JoinPath("control", "v1")
	for _, part := range path {
		target = target.JoinPath(url.PathEscape(part))
	}
	target.RawQuery = query.Encode()
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		content = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, target.String(), content)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
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

// answeredError gives what the control plane said. Something else on its address may answer, too.
func answeredError(status int, body []byte) error {
	var answer struct {
		Error struct {
			Code    fairlead.Code `json:"code"`
			Message string        `json:"message"`
			Param   string        `json:"param"`
			Hint    string        `json:"hint"`
		} `json:"error"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Error.Code == "" {
		return fmt.Errorf("the control plane answered with status %d %s and no error of its own", status, http.StatusText(status))
	}
	e := answer.Error
	return &fairlead.Error{Code: e.Code, Message: e.Message, Param: e.Param, Hint: e.Hint, Status: status}
}
