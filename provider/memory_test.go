package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"fairlead"
	"fairlead/dialect"
	"fairlead/dialect/openai"
	"fairlead/provider"
)

// TestCallIsUsedAgain holds that a call whose memory served another one is as a fresh one is, and that the
// caller's own body is never written to.
func TestCallIsUsedAgain(t *testing.T) {
	var c provider.Call
	for i, upstream := range []string{"u", strings.Repeat("long", 30), "a/m", "v", "a/m", "w"} {
		text := strings.Repeat("x", 1+(i*7919)%3000)
		body := fmt.Sprintf(`{"model":"a/m","stream":%v,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"%s"}]}`, i%2 == 0, text)
		a, s := ask(t, fairlead.OpChat, openai.New(), body), step(fairlead.OpenAI, upstream, fairlead.Quirks{})
		if i%3 == 0 {
			a.Forward.Traceparent = "tp"
		}
		fresh, err := newCall(a, s, openai.New())
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Write(wayTo(s.Endpoint.Provider, openai.New()), a, s); err != nil {
			t.Fatal(err)
		}
		if string(c.Body) != string(fresh.Body) || fmt.Sprint(c.Header) != fmt.Sprint(fresh.Header) || c.URL.String() != fresh.URL.String() || c.Again != fresh.Again {
			t.Errorf("call %d is %s %v, a fresh one is %s %v", i, c.Body, c.Header, fresh.Body, fresh.Header)
		}
		if string(a.Body) != body {
			t.Errorf("call %d changed the caller's body", i)
		}
	}
	header := c.Header
	c.Reset()
	if c.URL != nil || c.Body != nil || len(c.Header) != 0 || header[2] != (provider.Field{}) {
		t.Errorf("a call that is over leaves %v", header)
	}
}

// TestWayHidesItsCredential holds that no way of printing shows what a provider is shown.
func TestWayHidesItsCredential(t *testing.T) {
	for _, d := range []fairlead.Dialect{fairlead.OpenAI, fairlead.Anthropic} {
		w := wayTo(step(d, "u", fairlead.Quirks{}).Endpoint.Provider, openai.New())
		if text := fmt.Sprintf("%v %+v %#v", *w, *w, *w); strings.Contains(text, "s3cret") {
			t.Errorf("%s: a way shows its credential: %s", d, text)
		}
	}
}

// BenchmarkCall writes the call of an attempt: on fresh memory and a way made for it, and on memory and a
// way that served before.
func BenchmarkCall(b *testing.B) {
	t := new(testing.T)
	a := ask(t, fairlead.OpChat, openai.New(), `{"model":"a/m","messages":[{"role":"user","content":"`+strings.Repeat("x", 900)+`"}]}`)
	s := step(fairlead.OpenAI, "u", fairlead.Quirks{})
	way := wayTo(s.Endpoint.Provider, openai.New())
	b.Run("fresh", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := newCall(a, s, openai.New()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("fresh/way", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var c provider.Call
			if err := c.Write(way, a, s); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("again", func(b *testing.B) {
		b.ReportAllocs()
		var c provider.Call
		for b.Loop() {
			if err := c.Write(way, a, s); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// wayTo is the way to a provider by its first credential.
func wayTo(p *fairlead.Provider, to dialect.Dialect) *provider.Way {
	cred, _ := p.Credential()
	return provider.NewWay(p, cred, to)
}
