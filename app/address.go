package app

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"fairlead"
	"fairlead/compile"
)

// DataURL is the data plane's address as callers write it, without /v1; "" where there is none.
func (a *App) DataURL() string {
	if a.dataListener == nil {
		return ""
	}
	scheme := "http"
	if a.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + reachable(a.dataListener.Addr())
}

// ControlURL is the control plane's address.
func (a *App) ControlURL() string { return "http://" + reachable(a.controlListener.Addr()) }

// reachable gives an address that can be dialled on this machine where all of its addresses are listened on.
func reachable(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr.String()
}

// everywhere reports whether the data plane listens on all of this machine's addresses.
func (a *App) everywhere() bool {
	return own(a.dataListener).Addr().IsUnspecified()
}

func own(l net.Listener) netip.AddrPort {
	at, _ := netip.ParseAddrPort(l.Addr().String())
	return netip.AddrPortFrom(at.Addr().Unmap().WithZone(""), at.Port())
}

// lookupTime bounds the question which of the providers' names are this machine's, for all of them.
const lookupTime = 2 * time.Second

// loops gives an error where a provider of a snapshot is this node's own data plane: each request
// would come back, again and again, until every body and connection is used up.
func (a *App) loops(s *fairlead.Snapshot) error {
	self := own(a.dataListener)
	ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
	defer cancel()
	var providers []*fairlead.Provider
	for _, side := range s.Sides() {
		providers = append(providers, side.Providers...)
	}
	for _, p := range providers {
		if p.BaseURL != nil && port(p.BaseURL) == self.Port() && reaches(ctx, p.BaseURL.Hostname(), self.Addr()) {
			return fmt.Errorf("provider %s: base_url %s is this node's own data plane, so that its requests would come back to it without end; "+
				"it must be the provider's address (is a variable such as OPENAI_BASE_URL set for clients of fairlead?)", p.Name, p.BaseURL)
		}
	}
	return nil
}

// fits says why this node could not go by a configuration, where that can be told before it is tried: which files and
// variables there are is not.
func (a *App) fits(c *fairlead.Config) error {
	s, found := compile.Compile(c, 0, nil)
	if err := found.Err(); err != nil {
		return err
	}
	return a.loops(s)
}

func port(u *url.URL) uint16 {
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		return uint16(n)
	}
	if u.Scheme == "https" {
		return 443
	}
	return 80
}

// reaches reports whether connections to a host arrive at what listens on an address of this machine.
// A name that cannot be looked up in time counts as another machine's.
func reaches(ctx context.Context, host string, listens netip.Addr) bool {
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host) // an address gives itself
	if err != nil {
		return false
	}
	for _, addr := range addrs {
		addr = addr.Unmap().WithZone("")
		switch {
		case addr == listens:
			return true
		case listens.IsUnspecified():
			if addr.IsUnspecified() || addr.IsLoopback() || ofThisMachine(addr) {
				return true
			}
		case addr.IsUnspecified() && listens.IsLoopback(): // systems take it for the loopback address
			return true
		}
	}
	return false
}

func ofThisMachine(addr netip.Addr) bool {
	interfaces, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, i := range interfaces {
		if prefix, err := netip.ParsePrefix(i.String()); err == nil && prefix.Addr().Unmap().WithZone("") == addr {
			return true
		}
	}
	return false
}
