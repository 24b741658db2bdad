package record_test

import (
	"io"
	"log/slog"
	"testing"

	"fairlead"
	"fairlead/record"
)

// ordinary is an exchange that went well at the first attempt.
func ordinary() *fairlead.Record {
	return exchange(func(r *fairlead.Record) {
		r.ID, r.KeyID, r.Attempts = "req_abcdefghijkmnpqr", "key_abcdefghijkmnpqr", r.Attempts[1:]
		r.BytesIn, r.BytesOut = 1024, 1700
	})
}

// BenchmarkLog writes the line of an exchange: by slog alone, and in front of Lines, which lets Log write it.
func BenchmarkLog(b *testing.B) {
	lines := record.NewLines(io.Discard)
	for _, c := range []struct {
		name string
		to   slog.Handler
	}{
		{"text/slog", slog.NewTextHandler(io.Discard, nil)},
		{"text/lines", lines.Handler(slog.NewTextHandler(lines, nil))},
		{"json/slog", slog.NewJSONHandler(io.Discard, nil)},
		{"json/lines", lines.Handler(slog.NewJSONHandler(lines, nil))},
	} {
		b.Run(c.name, func(b *testing.B) {
			log, r := record.NewLog(slog.New(c.to)), ordinary()
			b.ReportAllocs()
			for b.Loop() {
				log.Left(r)
			}
		})
	}
}

// BenchmarkMetrics counts an exchange.
func BenchmarkMetrics(b *testing.B) {
	m, r := record.NewMetrics(), ordinary()
	b.ReportAllocs()
	for b.Loop() {
		m.Entered(r)
		m.Left(r)
	}
}
