package transport

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// check refuses a call that could not be framed, or whose fields would frame something else.
func (c *Call) check() error {
	u := c.URL
	switch {
	case u == nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		return fmt.Errorf("%w: URL is not absolute http or https", ErrInvalidCall)
	case !visible(u.Host):
		return fmt.Errorf("%w: host has a character that is not visible ASCII", ErrInvalidCall)
	case c.Method == "" || c.Method == "HEAD" || c.Method == "CONNECT" || strings.ContainsFunc(c.Method, notCapital):
		return fmt.Errorf("%w: method", ErrInvalidCall)
	}
	for i := range c.Header {
		f := &c.Header[i]
		if !token(f.Name) || frames(f.Name) {
			return fmt.Errorf("%w: header field %q is not one a call may carry", ErrInvalidCall, f.Name)
		}
		if !fieldValue(f.Value) {
			return fmt.Errorf("%w: value of header field %q has a control character", ErrInvalidCall, f.Name)
		}
	}
	return nil
}

func notCapital(r rune) bool { return r < 'A' || r > 'Z' }

// framing lists the fields that say where a message ends or what becomes of its connection.
var framing = []string{
	"Host", "Content-Length", "Connection", "Transfer-Encoding", "Keep-Alive", "Upgrade",
	"Te", "Trailer", "Expect", "Proxy-Connection",
}

// frames reports whether a token is one of framing.
func frames(name string) bool {
	return slices.ContainsFunc(framing, func(f string) bool { return len(f) == len(name) && strings.EqualFold(f, name) })
}

func token(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte("-_.!#$%&'*+^`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

func fieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < ' ' && c != '\t') || c == 0x7f {
			return false
		}
	}
	return true
}

func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// appendHead writes request line and header to b.
func (c *Call) appendHead(b []byte) ([]byte, error) {
	target := c.URL.RequestURI()
	if !visible(target) {
		return b, fmt.Errorf("%w: path or query has a character that is not visible ASCII", ErrInvalidCall)
	}
	b = append(b, c.Method...)
	b = append(b, ' ')
	b = append(b, target...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, c.URL.Host...)
	b = append(b, "\r\n"...)
	for i := range c.Header {
		f := &c.Header[i]
		b = append(b, f.Name...)
		b = append(b, ": "...)
		b = append(b, f.Value...)
		b = append(b, "\r\n"...)
	}
	if len(c.Body) > 0 || c.Method == "POST" || c.Method == "PUT" || c.Method == "PATCH" {
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, int64(len(c.Body)), 10)
		b = append(b, "\r\n"...)
	}
	return append(b, "\r\n"...), nil
}

// address is where a URL's host is dialled.
func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	if host := u.Hostname(); strings.Contains(host, ":") {
		return "[" + host + "]:" + port
	}
	return u.Hostname() + ":" + port
}
