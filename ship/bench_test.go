package ship_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"fairlead"
	"fairlead/ship"
	"fairlead/store/sqlite"
)

// BenchmarkDesk takes asks of 7 frames of 512 lines at a desk over SQLite, from the bytes of the message to the commit.
func BenchmarkDesk(b *testing.B) {
	s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "fairlead.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	d := &ship.Desk{Keeper: s, Log: slog.New(slog.DiscardHandler)}
	const frames, lines = 7, 512
	tag, now := fairlead.TagOf("edge-1"), time.Now()
	next := int64(0)
	ask := func() []byte {
		var list []fairlead.Frame
		for range frames {
			next++
			var text []string
			for i := range lines {
				at := now.Add(time.Duration(next*lines+int64(i)) * time.Millisecond / 20)
				text = append(text, fmt.Sprintf(`{"kind":"charge","id":"%s","at":%d,"key":"key_xufprchpbmi8f7h4","model":"openai/gpt-4o-mini","revision":7,"endpoint":"openai/gpt-4o-mini@openai","input":%d,"output":%d,"cost":%d,"status":200,"attempts":1}`,
					fairlead.NewExchangeID(tag, at), at.UnixMicro(), i%97, i%301, i*250))
			}
			list = append(list, frame("edge-1", next, text...))
		}
		body, err := ship.MarshalFrames(list)
		if err != nil {
			b.Fatal(err)
		}
		return body
	}
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		body := ask()
		b.StartTimer()
		if _, err := d.Frames(b.Context(), "edge-1", body); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*frames)/b.Elapsed().Seconds(), "frames/s")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*frames*lines), "ns/line")
	if got := d.Stats().Frames; got != next {
		b.Errorf("%d frames of %d were taken", got, next)
	}
}
