package bus

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// meeting is how long after its start a control node is not troubled that another one is not known yet: of several that
// start at once on an empty database each reads the list of nodes before the others stand in it.
const meeting = 30 * time.Second

// strangers passes on what the embedded server complains of, but what is no trouble while control nodes meet: that is
// said once.
type strangers struct {
	server.Logger
	log   *slog.Logger
	until time.Time
	once  *sync.Once
}

func meet(l server.Logger, log *slog.Logger) strangers {
	return strangers{l, log, time.Now().Add(meeting), new(sync.Once)}
}

// Errorf implements server.Logger.
func (s strangers) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	refused := strings.Contains(text, "Authorization Violation") || strings.Contains(text, "authentication error") // here, or there
	if refused && strings.Contains(text, " - rid:") && time.Now().Before(s.until) {
		s.once.Do(func() { s.log.Info("a control node is not known yet, here or there: it is tried again") })
		return
	}
	s.Logger.Errorf(format, v...)
}
