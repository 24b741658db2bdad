package record

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fairlead"
)

// bySlog gives a line as slog's own handler of a form writes it.
func bySlog(t *testing.T, f form, now time.Time, level slog.Level, attrs []slog.Attr) string {
	t.Helper()
	var text bytes.Buffer
	var h slog.Handler = slog.NewTextHandler(&text, nil)
	if f == formJSON {
		h = slog.NewJSONHandler(&text, nil)
	}
	r := slog.NewRecord(now, level, message, 0)
	r.AddAttrs(attrs...)
	if err := h.Handle(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// FuzzForm holds that a line that is written without slog is slog's, byte for byte, and that ordinary
// strings need no slog.
func FuzzForm(f *testing.F) {
	f.Add("req_1", "openai/gpt-4o-mini", int64(3), true, false, int64(1_700_000_000_123_456_789), 3600)
	for _, s := range []string{"", " ", "a=b", `a"b`, `a\b`, "a\nb", "é", "\u2028", "\xff", "\x7f", "<&>", "%", "a\x00"} {
		f.Add("req_1", s, int64(-1), false, true, int64(0), 0)
	}
	f.Add("req_1", "a/m@p~two", int64(1<<62), true, true, int64(1_700_000_000_100_000_000), -20)
	f.Fuzz(func(t *testing.T, a, b string, n int64, yes, warn bool, nanos int64, offset int) {
		now := time.Unix(0, nanos).In(time.FixedZone("", offset%(14*3600)))
		level := slog.LevelInfo
		if warn {
			level = slog.LevelWarn
		}
		attrs := []slog.Attr{slog.String("id", a), slog.String("model", b), slog.Int64("ms", n), slog.Bool("stream", yes)}
		for _, form := range []form{formText, formJSON} {
			got, ok := form.append(nil, now, level, message, attrs)
			if want := bySlog(t, form, now, level, attrs); ok && string(got) != want {
				t.Errorf("wrote %q, slog writes %q", got, want)
			}
			if !ok && strings.Trim(a+b, "abcdefghijklmnopqrstuvwxyz0123456789_-./@~:<&>%") == "" {
				t.Errorf("%q and %q were left to slog", a, b)
			}
		}
	})
}

// whole is a record with every field that a line can show.
func whole() *fairlead.Record {
	cost := fairlead.USD(1_500_000)
	return &fairlead.Record{
		Request: fairlead.Request{ID: "req_1", Operation: fairlead.OpChat, Dialect: fairlead.Anthropic, Model: "fast", Stream: true},
		Served:  "a/m", Endpoint: "a/m@p~two", Status: 200, Revision: 3, Trial: "trial_1", Tried: true, KeyID: "key_1", Account: "acc_1", Team: "team_1", CallerID: "trace-7",
		Attempts: []fairlead.Attempt{{Endpoint: "a/m@p~two", Outcome: fairlead.OutcomeOK, Status: 200}},
		Usage:    fairlead.Usage{Input: 10, CacheRead: 4, CacheWrite: 2, Output: 11, Reasoning: 5, Estimated: true}, Cost: &cost, Translated: true,
		TTFT: 100 * time.Millisecond, Duration: 1100 * time.Millisecond, Overhead: 80 * time.Microsecond, BytesIn: 1, BytesOut: 2,
	}
}

// TestLogInFrontOfLines holds that a line is the same whoever writes it, and says who does.
func TestLogInFrontOfLines(t *testing.T) {
	for _, c := range []struct {
		name   string
		slogs  bool // slog writes it
		change func(*fairlead.Record)
	}{
		{"everything", false, func(*fairlead.Record) {}},
		{"almost nothing", false, func(r *fairlead.Record) {
			*r = fairlead.Record{Request: fairlead.Request{Operation: fairlead.OpChat}}
		}},
		{"a caller's fault", false, func(r *fairlead.Record) { r.Code, r.Attempts = fairlead.CodeMissingKey, nil }},
		{"an operator's fault", false, func(r *fairlead.Record) { r.Code, r.Attempts = fairlead.CodeNoEndpoint, nil }},
		{"a failover", true, func(r *fairlead.Record) { r.Attempts = append(r.Attempts, r.Attempts[0]) }},
		{"a cause", true, func(r *fairlead.Record) {
			r.Code, r.Err, r.Attempts = fairlead.CodeInternal, errors.New("no such file"), nil
		}},
		{"a model to quote", true, func(r *fairlead.Record) { r.Model = "a model\n" }},
		{"a model to clip", true, func(r *fairlead.Record) { r.Model = strings.Repeat("m", 5000) }},
		{"a line longer than its room", false, func(r *fairlead.Record) { r.KeyID = strings.Repeat("k", 5000) }},
	} {
		r := whole()
		c.change(r)
		for _, f := range []form{formText, formJSON} {
			synctest.Test(t, func(t *testing.T) { // time stands still: both lines have the same
				var want, got bytes.Buffer
				lines, counted := NewLines(&got), &handled{}
				var over slog.Handler
				if f == formText {
					counted.Handler, over = slog.NewTextHandler(&want, nil), slog.NewTextHandler(lines, nil)
				} else {
					counted.Handler, over = slog.NewJSONHandler(&want, nil), slog.NewJSONHandler(lines, nil)
				}
				NewLog(slog.New(counted.Handler)).Left(r)
				log := NewLog(slog.New(lines.Handler(over)))
				counted.Handler = log.direct.Handler
				log.to = counted
				log.Left(r)
				lines.Flush()
				if got.String() != want.String() || want.Len() == 0 {
					t.Errorf("%s: wrote %s, slog writes %s", c.name, got.String(), want.String())
				}
				if (counted.lines == 1) != c.slogs {
					t.Errorf("%s: slog wrote %d lines of it", c.name, counted.lines)
				}
			})
		}
	}
}

// handled counts the lines that slog writes.
type handled struct {
	slog.Handler
	lines int
}

func (c *handled) Handle(ctx context.Context, r slog.Record) error {
	c.lines++
	return c.Handler.Handle(ctx, r)
}

// TestLogKeepsToItsHandler holds that attributes and groups of the logger, and other handlers than slog's
// own, are not passed by, and that a warning is on disk at once.
func TestLogKeepsToItsHandler(t *testing.T) {
	var text bytes.Buffer
	lines := NewLines(&text)
	h := lines.Handler(slog.NewTextHandler(lines, &slog.HandlerOptions{Level: slog.LevelWarn}))
	NewLog(slog.New(h)).Left(whole())
	lines.Flush()
	if text.Len() != 0 {
		t.Errorf("a line below the level was written: %s", text.String())
	}
	failed := whole()
	failed.Code, failed.Attempts = fairlead.CodeNoEndpoint, nil
	NewLog(slog.New(h)).Left(failed)
	if !strings.Contains(text.String(), "level=WARN msg=exchange id=req_1 ") {
		t.Errorf("a warning waits: %s", text.String())
	}
	text.Reset()
	NewLog(slog.New(h).With("node", "a")).Left(failed)
	NewLog(slog.New(h).WithGroup("g")).Left(failed)
	NewLog(slog.New(lines.Handler(&handled{Handler: slog.NewTextHandler(lines, nil)}))).Left(failed)
	lines.Flush()
	if s := text.String(); !strings.Contains(s, "node=a id=req_1") || !strings.Contains(s, "g.id=req_1") || strings.Count(s, "\n") != 3 {
		t.Errorf("the logger's attributes are lost: %s", s)
	}
}
