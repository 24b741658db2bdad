package bus

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestStrangers holds that control nodes which do not know each other yet say so once, and that strangers are warned of
// later.
func TestStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		log := slog.New(slog.NewTextHandler(&b, nil))
		l := meet(newServerLog(log), log)
		for range 3 {
			l.Errorf("127.0.0.1:1 - rid:5 - Route Error %s", "'Authorization Violation'")
			l.Errorf("127.0.0.1:1 - rid:6 - authentication error")
		}
		if got := b.String(); strings.Count(got, "level=INFO") != 1 || strings.Contains(got, "WARN") {
			t.Errorf("while they meet: %s", got)
		}
		l.Errorf("127.0.0.1:1 - cid:7 - Authorization Violation") // of a client
		time.Sleep(meeting)                                       // of the bubble
		l.Errorf("127.0.0.1:1 - rid:8 - authentication error")
		if got := b.String(); strings.Count(got, "level=WARN") != 2 {
			t.Errorf("later: %s", got)
		}
	})
}
