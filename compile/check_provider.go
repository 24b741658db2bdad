package compile

import (
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"fairlead"
	"fairlead/provider"
)

var dialects = []string{string(fairlead.OpenAI), string(fairlead.Anthropic)}

func (k *checker) provider(name string, p fairlead.ProviderConfig) {
	path := key("providers", name)
	if !nameShape.MatchString(name) {
		k.fault(path, "a provider's name has 1 to 64 letters, digits and . _ -, and begins with a letter or a digit", "")
	}
	place, known := provider.Lookup(name)
	switch {
	case p.Dialect != "":
		k.choice(path+".dialect", string(p.Dialect), dialects...)
	case !known:
		k.fault(path, "dialect is missing: this name is not in the provider table", dialectHint(name))
	}
	switch {
	case p.BaseURL != "":
		k.baseURL(path+".base_url", p, place)
	case !known:
		k.fault(path, "base_url is missing: this name is not in the provider table", "")
	}
	k.credentials(path, p.Credentials)
	k.region(path+".region", p.Region)
	k.callableFrom(path+".callable_from", p.CallableFrom)
	if p.Retention != nil {
		k.notNegative(path+".retention.days", p.Retention.Days)
	}
	k.timeouts(path+".timeouts", p.Timeouts, merge(defaultTimeouts, k.c.Settings.Timeouts))
	k.probe(path+".probe", p.Probe)
	k.probed(path+".probe.budget", name, p.Probe)
	k.transport(path+".transport", p.Transport)
}

func dialectHint(name string) string {
	var names []string
	for _, p := range provider.Places {
		names = append(names, p.Name)
	}
	hint := "allowed are: " + strings.Join(dialects, ", ")
	if n := nearest(name, names); n != "" {
		hint = fmt.Sprintf("did you mean the provider %q? Dialects: %s", n, strings.Join(dialects, ", "))
	}
	return hint
}

// baseURL checks an address without repeating it where it may hold a credential.
func (k *checker) baseURL(path string, p fairlead.ProviderConfig, place provider.Place) {
	u, err := url.Parse(p.BaseURL)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || strings.ContainsFunc(p.BaseURL, func(r rune) bool { return r <= ' ' }):
		k.fault(path, "must be an absolute http or https address", "such as https://api.openai.com/v1")
		return
	case u.User != nil:
		k.fault(path, "must not hold a user name or password", "give the key under credentials")
		return
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(p.BaseURL, "#"):
		k.fault(path, "must not hold a query or a fragment", "")
		return
	case !goodPort(u.Port()):
		k.fault(path, "has a port that is not 1 to 65535", "")
		return
	}
	dialect := p.Dialect
	if dialect == "" {
		dialect = place.Dialect
	}
	k.basePath(path, strings.TrimRight(u.Path, "/"), strings.TrimRight(p.BaseURL, "/"), dialect)
	if u.Scheme == "http" && !private(u.Hostname()) {
		k.warn(path, "sends keys and prompts unencrypted to "+show(u.Hostname())+", which is not a private address", "use https")
	}
}

func goodPort(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// basePath warns of the two ways in which a base URL is most often mistaken: with what the dialect
// appends, and without the version that it does not append.
func (k *checker) basePath(path, urlPath, whole string, dialect fairlead.Dialect) {
	for _, end := range []string{"/chat/completions", "/completions", "/embeddings", "/responses", "/messages"} {
		if strings.HasSuffix(urlPath, end) {
			k.warn(path, fmt.Sprintf("ends in %s, which is appended to it", end), "leave it out")
			return
		}
	}
	switch {
	case dialect == fairlead.Anthropic && strings.HasSuffix(urlPath, "/v1"):
		k.warn(path, "ends in /v1, which the anthropic dialect appends to it", "leave it out")
	case dialect == fairlead.OpenAI && urlPath == "" && !knownBase(whole):
		k.warn(path, "has no path; most servers of the openai dialect serve below /v1", "end it in /v1")
	}
}

func knownBase(whole string) bool {
	for _, p := range provider.Places {
		if p.BaseURL == whole {
			return true
		}
	}
	return false
}

// carrierNAT is shared address space (RFC 6598), which overlay networks use too.
var carrierNAT = netip.MustParsePrefix("100.64.0.0/10")

// private reports whether a host can only be reached within one's own network, as far as its name tells.
func private(host string) bool {
	if a, err := netip.ParseAddr(strings.TrimSuffix(host, ".")); err == nil {
		a = a.Unmap()
		return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || carrierNAT.Contains(a)
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if !strings.Contains(host, ".") {
		return true
	}
	for _, end := range []string{".localhost", ".local", ".internal", ".lan", ".intranet", ".home.arpa", ".svc", ".ts.net"} {
		if strings.HasSuffix(host, end) {
			return true
		}
	}
	return false
}

func (k *checker) credentials(path string, list []fairlead.CredentialConfig) {
	seen := map[string]bool{}
	for i, c := range list {
		at := item(path+".credentials", i)
		if c.Name != "" && !nameShape.MatchString(c.Name) {
			k.fault(at+".name", "a credential's name has 1 to 64 letters, digits and . _ -", "")
		}
		name := credentialName(i, c)
		if seen[name] {
			k.fault(at, "two credentials have the name "+show(name), "")
		}
		seen[name] = true
		if c.Value == "" {
			k.fault(at, "value is missing", referenceHint)
			continue
		}
		if _, err := ParseReference(c.Value); err != nil {
			k.fault(at+".value", err.Error(), referenceHint)
		}
	}
}

const referenceHint = "write ${env:NAME}, ${file:/absolute/path} or ${secret:NAME}"

func (k *checker) callableFrom(path string, c fairlead.CallableFrom) {
	denied := map[string]bool{}
	for i, country := range c.Deny {
		k.country(item(path+".deny", i), country)
		denied[country] = true
	}
	for i, country := range c.Allow {
		k.country(item(path+".allow", i), country)
		if denied[country] {
			k.fault(item(path+".allow", i), show(country)+" is denied too", "")
		}
	}
}

func (k *checker) country(path, code string) {
	if len(code) == 2 && code[0] >= 'A' && code[0] <= 'Z' && code[1] >= 'A' && code[1] <= 'Z' {
		return
	}
	hint := "ISO 3166-1 alpha-2, such as DE"
	if len(code) == 2 && strings.ToUpper(code) != code {
		hint = fmt.Sprintf("write %s", show(strings.ToUpper(code)))
	}
	k.fault(path, show(code)+" is not a country code", hint)
}

func (k *checker) probe(path string, p *fairlead.Probe) {
	if p == nil {
		return
	}
	switch {
	case p.Path == "" && p.Budget == "":
		k.fault(path, "has neither a path nor a budget", "a page that tells whether it is well, such as path: /health, or USD a day")
	case p.Path != "" && p.Budget != "":
		k.fault(path, "has both a path and a budget", "a page that can be asked for free needs no budget")
	case p.Path != "":
		k.probePath(path+".path", p.Path)
	case p.Interval != 0:
		k.fault(path+".interval", "is that of a path", "probes by a budget are 1, 2, 4 .. 30 seconds apart")
	}
	if p.Budget != "" {
		if v, err := fairlead.ParseUSD(p.Budget); err != nil {
			k.fault(path+".budget", err.Error(), `USD a day, in quotes: "0.50"`)
		} else if v == 0 {
			k.fault(path+".budget", "must be above 0", "leave probe out")
		}
	}
	if d := time.Duration(p.Interval); d != 0 && (d < 100*time.Millisecond || d > time.Hour) {
		k.fault(path+".interval", "must be 100ms to 1h", "")
	}
}

// probed warns of a budget for probes that nothing could be asked with: what one costs is reckoned by the
// endpoint's price, and under a wildcard there is no model to ask for.
func (k *checker) probed(path, provider string, p *fairlead.Probe) {
	if p == nil || p.Budget == "" {
		return
	}
	served := false
	for name, m := range k.c.Models {
		for _, e := range m.Endpoints {
			if e.Provider != provider {
				continue
			}
			if e.Price != nil && !wildcard(name) {
				return
			}
			served = true
		}
	}
	if served {
		k.warn(path, "has no effect: it asks endpoints that have a price, of models that are no wildcards, and this provider has none",
			`state a price (input: "0", output: "0" where it is free), or a path in place of the budget`)
	}
}

func (k *checker) probePath(path, page string) {
	raw, _, _ := strings.Cut(page, "?")
	_, err := url.PathUnescape(raw)
	if err != nil || !strings.HasPrefix(page, "/") || strings.HasPrefix(page, "//") || strings.Contains(page, "#") ||
		strings.ContainsFunc(page, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		k.fault(path, "must begin with one slash and hold no space", "such as /health")
	}
}

func (k *checker) transport(path string, t fairlead.TransportConfig) {
	if t.Proxy != "" && t.Proxy != "environment" {
		k.proxy(path+".proxy", t.Proxy)
	}
	for _, f := range []struct{ name, file string }{{"ca", t.CA}, {"cert", t.Cert}, {"key", t.Key}} {
		if f.file != "" && !filepath.IsAbs(f.file) {
			k.fault(path+"."+f.name, "must be the absolute path of a PEM file", "")
		}
	}
	if (t.Cert == "") != (t.Key == "") {
		k.fault(path, "cert and key belong together; one is missing", "")
	}
}

func (k *checker) proxy(path, proxy string) {
	u, err := url.Parse(proxy)
	switch {
	case err != nil || u.Hostname() == "" || !strings.Contains(" http https socks5 socks5h ", " "+u.Scheme+" "):
		k.fault(path, `must be the address of an HTTP or SOCKS5 proxy, or "environment"`, "such as http://10.0.0.1:3128")
	case u.User != nil:
		k.fault(path, "must not hold a user name or password", `set HTTPS_PROXY and write "environment"`)
	}
}
