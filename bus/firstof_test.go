package bus

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fairlead"
)

// reply is what becomes of one request: an answer after a time, or none where it takes for ever.
type reply struct {
	takes time.Duration
	err   error
}

const forEver = time.Hour

// TestFirstAnswer holds how often, and until when, an ask is sent, by how long the last good answer took.
func TestFirstAnswer(t *testing.T) {
	away := fairlead.Errorf(fairlead.CodeControlUnavailable, "no database")
	no := fairlead.Errorf(fairlead.CodeInvalidRequest, "no")
	for _, c := range []struct {
		name    string
		last    time.Duration // took the answer before
		replies []reply       // what is sent later gets none
		sent    int
		took    time.Duration
		code    fairlead.Code
	}{
		{"at once", 0, []reply{{}}, 1, 0, ""},
		{"one hangs", 0, []reply{{takes: forEver}, {}}, 2, 300 * time.Millisecond, ""},
		{"two hang", 0, []reply{{takes: forEver}, {takes: forEver}, {}}, 3, 900 * time.Millisecond, ""},
		{"all hang", 0, nil, 4, askTimeout, fairlead.CodeControlUnavailable},
		{"one is slow", 0, []reply{{takes: 400 * time.Millisecond}, {takes: forEver}}, 2, 400 * time.Millisecond, ""},
		{"the way is slow", 200 * time.Millisecond, []reply{{takes: 500 * time.Millisecond}}, 1, 500 * time.Millisecond, ""},
		{"one hangs on a slow way", 200 * time.Millisecond, []reply{{takes: forEver}, {takes: 200 * time.Millisecond}}, 2, 800 * time.Millisecond, ""},
		{"one hangs after a very slow answer", 2 * time.Second, []reply{{takes: forEver}, {}}, 2, time.Second, ""},
		{"one has no database", 0, []reply{{err: away}, {}}, 2, 0, ""},
		{"none has a database", 0, []reply{{err: away}, {err: away}, {err: away}, {err: away}}, 4, 0, fairlead.CodeControlUnavailable},
		{"it is refused", 0, []reply{{takes: 200 * time.Millisecond, err: no}}, 1, 200 * time.Millisecond, fairlead.CodeInvalidRequest},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), askTimeout)
				defer cancel()
				var mu sync.Mutex
				sent, begun := 0, time.Now()
				a := firstOf(ctx, patience(c.last), func(ctx context.Context, repeated bool) answered {
					mu.Lock()
					r := reply{takes: forEver}
					if sent < len(c.replies) {
						r = c.replies[sent]
					}
					if repeated != (sent > 0) {
						t.Errorf("request %d is marked as repeated: %v", sent+1, repeated)
					}
					sent++
					mu.Unlock()
					select {
					case <-ctx.Done():
						return answered{err: away}
					case <-time.After(r.takes):
						return answeredBy(answer(nil, r.err))
					}
				})
				if took := time.Since(begun); sent != c.sent || took != c.took || (a.err == nil) != (c.code == "") {
					t.Errorf("sent %d times, took %s, %v; want %d times, %s", sent, took, a.err, c.sent, c.took)
				}
				if a.err != nil && fairlead.AsError(a.err).Code != c.code {
					t.Errorf("refused with %v", a.err)
				}
			})
		})
	}
}
