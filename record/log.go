// Package record shows what exchanges did: one wide log line each, and metrics.
package record

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"fairlead"
)

// Log writes one line an exchange. It never holds a prompt, an answer or a secret.
type Log struct {
	to     slog.Handler
	direct *urgent // to, where its lines can be written without slog; else nil
}

// message is that of every line.
const message = "exchange"

// NewLog makes a Log.
func NewLog(to *slog.Logger) *Log {
	l := &Log{to: to.Handler()}
	if u, ok := l.to.(*urgent); ok && u.form != formOther {
		l.direct = u
	}
	return l
}

// Entered does nothing: the line is written at the end.
func (l *Log) Entered(*fairlead.Record) {}

// Left writes the line: at level info where all went well, warn where a provider or the operator is
// at fault.
func (l *Log) Left(r *fairlead.Record) {
	level := slog.LevelInfo
	if r.Code != "" {
		if f := fault(r); f == fairlead.FaultProvider || f == fairlead.FaultOperator {
			level = slog.LevelWarn
		}
	}
	ctx := context.Background()
	if !l.to.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 28)
	attrs = append(attrs,
		slog.String("id", r.ID),
		slog.String("op", r.Operation.String()),
		slog.String("dialect", string(r.Dialect)),
		slog.String("model", clip(r.Model)),
		slog.String("key", r.KeyID),
		slog.Int64("revision", r.Revision),
		slog.Bool("stream", r.Stream),
		slog.Int("status", r.Status),
		slog.String("endpoint", r.Endpoint),
		slog.Int("attempts", fairlead.Made(r.Attempts)),
		slog.Int64("ms", r.Duration.Milliseconds()),
		slog.Int64("ttft_ms", r.TTFT.Milliseconds()),
		slog.Int64("overhead_us", r.Overhead.Microseconds()),
		slog.Int64("tokens_in", r.Usage.Prompt()),
		slog.Int64("tokens_out", r.Usage.Output),
		slog.Int64("bytes_in", r.BytesIn),
		slog.Int64("bytes_out", r.BytesOut),
	)
	attrs = appendRare(attrs, r)
	now := time.Now()
	if l.direct != nil && l.direct.line(now, level, message, attrs) {
		return
	}
	line := slog.NewRecord(now, level, message, 0) // where it was called from is the same for all
	line.AddAttrs(attrs...)
	_ = l.to.Handle(ctx, line) // a log that cannot be written stops nobody
}

// appendRare adds what most exchanges have nothing to say of.
func appendRare(attrs []slog.Attr, r *fairlead.Record) []slog.Attr {
	if r.Account != "" {
		attrs = append(attrs, slog.String("account", r.Account))
	}
	if r.Team != "" {
		attrs = append(attrs, slog.String("team", r.Team))
	}
	if r.Cost != nil {
		attrs = append(attrs, slog.String("cost_usd", r.Cost.String()))
	}
	if r.Usage.CacheRead != 0 {
		attrs = append(attrs, slog.Int64("tokens_cache_read", r.Usage.CacheRead))
	}
	if r.Usage.CacheWrite != 0 {
		attrs = append(attrs, slog.Int64("tokens_cache_write", r.Usage.CacheWrite))
	}
	if r.Usage.Reasoning != 0 {
		attrs = append(attrs, slog.Int64("tokens_reasoning", r.Usage.Reasoning))
	}
	if r.Usage.AudioInput != 0 {
		attrs = append(attrs, slog.Int64("tokens_audio_in", r.Usage.AudioInput))
	}
	if r.Usage.AudioOutput != 0 {
		attrs = append(attrs, slog.Int64("tokens_audio_out", r.Usage.AudioOutput))
	}
	if r.Usage.Images != 0 {
		attrs = append(attrs, slog.Int64("images", r.Usage.Images))
	}
	if r.Usage.Estimated {
		attrs = append(attrs, slog.Bool("estimated", true))
	}
	if r.Tried {
		attrs = append(attrs, slog.String("trial", r.Trial))
	}
	if r.Translated {
		attrs = append(attrs, slog.Bool("translated", true))
	}
	if r.CallerID != "" {
		attrs = append(attrs, slog.String("caller_id", r.CallerID))
	}
	if r.Code != "" {
		attrs = append(attrs, slog.String("code", string(r.Code)))
	}
	if r.Err != nil {
		attrs = append(attrs, slog.String("error", r.Err.Error()))
	}
	if len(r.Attempts) > 1 || r.Code != "" {
		for i, a := range r.Attempts {
			attrs = append(attrs, attempt(i+1, a))
		}
	}
	return attrs
}

// attempt groups what one attempt did under a key of its own: no line has a key twice.
func attempt(number int, a fairlead.Attempt) slog.Attr {
	return slog.Group("attempt_"+strconv.Itoa(number),
		slog.String("endpoint", a.Endpoint),
		slog.String("why", a.Why),
		slog.String("phase", phase(a)),
		slog.String("outcome", string(a.Outcome)),
		slog.Int("status", a.Status),
		slog.Int64("start_ms", a.Start.Milliseconds()),
		slog.Int64("ms", a.Duration.Milliseconds()),
		slog.String("detail", clip(a.Detail)),
	)
}

// phase says on which side of the commit an attempt was made or failed.
func phase(a fairlead.Attempt) string {
	if a.After {
		return "after_commit"
	}
	return "before_commit"
}

// fault says who is at fault for a record's code. A code that a provider stated of the caller's own
// request is none of ours and is the caller's.
func fault(r *fairlead.Record) fairlead.Fault {
	info := r.Code.Info()
	if info.Code != r.Code {
		return fairlead.FaultCaller
	}
	return info.Fault
}

// clip bounds what callers and providers choose.
func clip(s string) string {
	const most = 128
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
