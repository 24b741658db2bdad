package fairlead_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"

	"fairlead"
)

func TestParseUnitPrice(t *testing.T) {
	for in, want := range map[string]string{
		"0.15": "150000", "0": "0", "15": "15000000", "0.000001": "1", "0.0750": "75000", "007.5": "7500000",
		"": "error", ".5": "error", "1.": "error", "-1": "error", "1e3": "error", "0.0000001": "error", "+1": "error",
		" 1": "error", "1,5": "error", "2000000000": "error", "99999999999999999999": "error", "1.5.5": "error", "NaN": "error",
	} {
		got := "error"
		if p, err := fairlead.ParseUnitPrice(in); err == nil {
			got = fmt.Sprint(int64(p))
			if back, err := fairlead.ParseUnitPrice(p.String()); err != nil || back != p {
				t.Errorf("%q prints as %s, which reads as %d, %v", in, p, back, err)
			}
		}
		if got != want {
			t.Errorf("ParseUnitPrice(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestParseUSD(t *testing.T) {
	for in, want := range map[string]string{
		"0.50": "500000000", "0": "0", "15": "15000000000", "0.000000001": "1", "007.5": "7500000000", "1000000": "1000000000000000",
		"": "error", ".5": "error", "1.": "error", "-1": "error", "1e3": "error", "0.0000000001": "error", "+1": "error", " 1": "error",
		"1,5": "error", "1000000.01": "error", "99999999999999999999": "error", "1.5.5": "error", "NaN": "error",
	} {
		got := "error"
		if v, err := fairlead.ParseUSD(in); err == nil {
			got = fmt.Sprint(int64(v))
			if back, err := fairlead.ParseUSD(v.String()); err != nil || back != v {
				t.Errorf("%q prints as %s, which reads as %d, %v", in, v, back, err)
			}
		}
		if got != want {
			t.Errorf("ParseUSD(%q) = %s, want %s", in, got, want)
		}
	}
}

// FuzzTotal holds Total against exact big-number arithmetic.
func FuzzTotal(f *testing.F) {
	f.Add(int64(1), int64(500), int64(1), int64(0))
	f.Add(int64(1<<62), int64(1_000_000_000_000_000), int64(1<<62), int64(1_000_000_000_000_000))
	f.Add(int64(-5), int64(10), int64(3), int64(1499))
	f.Fuzz(func(t *testing.T, u1, p1, u2, p2 int64) {
		got, err := fairlead.Total(fairlead.PriceLine{Units: u1, Price: fairlead.UnitPrice(p1)}, fairlead.PriceLine{Units: u2, Price: fairlead.UnitPrice(p2)})
		pico := new(big.Int)
		for _, l := range [][2]int64{{u1, p1}, {u2, p2}} {
			if l[0] > 0 && l[1] > 0 {
				pico.Add(pico, new(big.Int).Mul(big.NewInt(l[0]), big.NewInt(l[1])))
			}
		}
		want := pico.Add(pico, big.NewInt(500)).Div(pico, big.NewInt(1000))
		if !want.IsInt64() {
			if err == nil {
				t.Fatalf("%s does not fit, yet Total gave %d", want, got)
			}
			return
		}
		if err != nil || int64(got) != want.Int64() {
			t.Fatalf("Total = %d, %v; want %s", got, err, want)
		}
	})
}

func TestUSDString(t *testing.T) {
	for in, want := range map[fairlead.USD]string{
		0: "0", 1: "0.000000001", 1_000_000_000: "1", 1_500_000_000: "1.5", -250_000_000: "-0.25", -1 << 63: "-9223372036.854775808",
	} {
		if got := in.String(); got != want {
			t.Errorf("USD(%d) = %s, want %s", int64(in), got, want)
		}
	}
}

func TestSecretIsNeverShown(t *testing.T) {
	s := fairlead.NewSecret("sk-hush")
	out, err := json.Marshal(map[string]any{"s": s})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", s, "in", struct{ S fairlead.Secret }{s})
	var all string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%p"} {
		all += fmt.Sprintf(verb+verb, s, []any{s, &s})
	}
	all += string(out) + log.String()
	if strings.Contains(all, "hush") || strings.Contains(all, "68757368") {
		t.Errorf("the secret shows in %s", all)
	}
	if s.Reveal() != "sk-hush" {
		t.Error("Reveal does not give the value")
	}
}

func TestNewKey(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		k, secret := fairlead.NewKey("n", time.Now())
		v := secret.Reveal()
		if !strings.HasPrefix(v, fairlead.KeyPrefix) || len(v) < 38 || seen[v] || seen[k.ID] {
			t.Fatalf("bad secret or id %s", k.ID)
		}
		seen[v], seen[k.ID] = true, true
		if k.Hash != fairlead.HashKey(v) || !k.Active() || strings.Contains(k.Hint, v[9:len(v)-3]) {
			t.Fatalf("bad key %+v", k)
		}
	}
}

func TestSizes_Text(t *testing.T) {
	for in, want := range map[string]int64{"32MiB": 32 << 20, "1GiB": 1 << 30, "500": 500, "64 KiB": 64 << 10, "2KB": 2000, "7B": 7} {
		var b fairlead.Bytes
		if err := b.UnmarshalText([]byte(in)); err != nil || int64(b) != want {
			t.Errorf("%q = %d, %v; want %d", in, b, err, want)
		}
		var back fairlead.Bytes
		if err := back.UnmarshalText([]byte(b.String())); err != nil || back != b {
			t.Errorf("%q prints as %s, which reads as %d, %v", in, b, back, err)
		}
	}
	for _, in := range []string{"", "-1", "1.5MiB", "9223372036854775807GiB", "MiB", "1TB"} {
		var b fairlead.Bytes
		if err := b.UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q was read as %d", in, b)
		}
	}
}

func TestCodesAreComplete(t *testing.T) {
	seen := map[fairlead.Code]bool{}
	for _, row := range fairlead.Codes {
		if seen[row.Code] || row.Status < 400 || row.Status > 599 || row.Fault.String() == "" || row.Meaning == "" {
			t.Errorf("bad row %+v", row)
		}
		seen[row.Code] = true
	}
	if got := fairlead.Code("no such").Info().Code; got != fairlead.CodeInternal {
		t.Errorf("an unknown code has the row of %s", got)
	}
}

func TestSnapshotModel(t *testing.T) {
	exact := &fairlead.Model{Name: "openai/gpt"}
	wide := &fairlead.Model{Name: "openai/*", Wildcard: true}
	wider := &fairlead.Model{Name: "*", Wildcard: true}
	s := &fairlead.Snapshot{
		Models:    map[string]*fairlead.Model{"openai/gpt": exact, "fast": exact},
		Wildcards: []*fairlead.Model{wide, wider},
	}
	for asked, want := range map[string]*fairlead.Model{"openai/gpt": exact, "fast": exact, "openai/o1": wide, "openai/": wider, "x": wider, "": nil} {
		if got, _ := s.Model(asked); got != want {
			t.Errorf("Model(%q) = %v, want %v", asked, got, want)
		}
	}
	e := &fairlead.Endpoint{Model: wide}
	if got := e.UpstreamModel("openai/o1"); got != "o1" {
		t.Errorf("upstream model %q", got)
	}
	e.Upstream = "fixed"
	if got := e.UpstreamModel("openai/o1"); got != "fixed" {
		t.Errorf("upstream model %q", got)
	}
}

// TestChain holds that a change's hash covers all of it, and where one part ends and the next begins.
func TestChain(t *testing.T) {
	one := fairlead.Change{Number: 1, Kind: fairlead.ChangeKey, At: time.UnixMicro(5), By: "ab", Content: []byte("cd")}
	seen := map[fairlead.Hash]string{one.Chain(fairlead.Hash{}): "itself"}
	if got := one.Chain(fairlead.Hash{}).String(); got != "7bd8ed5946e26eccd592b3be903a18495cfd5bd8b5f354ace21e66ed21dcb20c" {
		t.Errorf("a change has another hash than it had: %s", got) // logs that exist would no longer verify
	}
	for name, edit := range map[string]func(*fairlead.Change){
		"number": func(c *fairlead.Change) { c.Number++ }, "kind": func(c *fairlead.Change) { c.Kind = fairlead.ChangeNode },
		"time": func(c *fairlead.Change) { c.At = c.At.Add(time.Microsecond) }, "author": func(c *fairlead.Change) { c.By = "abc" },
		"content": func(c *fairlead.Change) { c.Content = []byte("ce") },
		"shift":   func(c *fairlead.Change) { c.By, c.Content = "abc", []byte("d") },
	} {
		other := one
		edit(&other)
		h := other.Chain(fairlead.Hash{})
		if seen[h] != "" {
			t.Errorf("another %s gives the hash of %s", name, seen[h])
		}
		seen[h] = name
	}
	if seen[one.Chain(fairlead.Hash{1})] != "" {
		t.Error("the hash does not cover the one before")
	}
	entry := fairlead.AuditEntry{Number: 1, Act: fairlead.Act{By: "a", Action: "b", Target: "c", Why: "d"}}
	moved := entry
	moved.Target, moved.Why = "cd", ""
	if entry.Chain(fairlead.Hash{}) == moved.Chain(fairlead.Hash{}) {
		t.Error("the parts of an audit entry run into each other")
	}
	var h fairlead.Hash
	if text, _ := one.Chain(h).MarshalText(); h.UnmarshalText(text) != nil || h != one.Chain(fairlead.Hash{}) {
		t.Error("a hash is not read back as it was written")
	}
	if h.UnmarshalText([]byte("00")) == nil {
		t.Error("a short hash is taken")
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{
		"edge-1": true, "a": true, "": false, "-a": false, "a-": false, "A": false, "a.b": false, "a b": false, "é": false,
		strings.Repeat("a", 63): true, strings.Repeat("a", 64): false,
	} {
		if got := fairlead.ValidNodeName(name) == nil; got != want {
			t.Errorf("node %q: %v", name, got)
		}
	}
	for name, want := range map[string]bool{
		"openai": true, "OPENAI_KEY.2-x": true, "": false, ".a": false, "a}": false, "a b": false, strings.Repeat("a", 65): false,
	} {
		if got := fairlead.ValidSecretName(name) == nil; got != want {
			t.Errorf("secret %q: %v", name, got)
		}
	}
	if !fairlead.LevelAdmin.Allows(fairlead.LevelOperator) || fairlead.LevelViewer.Allows(fairlead.LevelOperator) || fairlead.Level("").Allows("") {
		t.Error("levels do not rank")
	}
}

// TestOutcomes holds whose fault each outcome is, and which attempts count against their endpoints.
func TestOutcomes(t *testing.T) {
	for o, want := range map[fairlead.Outcome]string{
		fairlead.OutcomeOK: " false", fairlead.OutcomeConnect: "provider true", fairlead.OutcomeTimeout: "provider true",
		fairlead.OutcomeServerError: "provider true", fairlead.OutcomeRateLimited: "provider true", fairlead.OutcomeOverloaded: "provider true",
		fairlead.OutcomeMalformed: "provider true", fairlead.OutcomeInterrupted: "provider true", fairlead.OutcomeCredential: "operator true",
		fairlead.OutcomeQuota: "operator true", fairlead.OutcomeModel: "operator true", fairlead.OutcomeRegion: "operator true",
		fairlead.OutcomeCallerFault: "caller false", fairlead.OutcomeContext: "caller false", fairlead.OutcomeFilter: "caller false",
		fairlead.OutcomeTooLarge: "caller false", fairlead.OutcomeOverTier: "caller false", fairlead.OutcomeCallerGone: "nobody false",
		fairlead.OutcomeSuperseded: "nobody false", fairlead.OutcomeRequestBuild: "nobody false", fairlead.OutcomeNoSeam: "nobody false",
		fairlead.OutcomeGeneration: "nobody false", "unheard": "nobody false",
	} {
		a := fairlead.Attempt{Outcome: o}
		if got := fmt.Sprint(o.Fault(), " ", a.Blames()); got != want {
			t.Errorf("%q: %s, want %s", o, got, want)
		}
		if a.Blameless = true; a.Blames() {
			t.Errorf("%q: blames although it says nothing", o)
		}
	}
}
