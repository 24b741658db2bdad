package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fairlead"
)

// nowhere is a database that nobody connects to.
type nowhere struct{}

func (nowhere) Connect(context.Context) (driver.Conn, error) { return nil, driver.ErrBadConn }

func (nowhere) Driver() driver.Driver { return nil }

// TestAskBounded holds that a question about records is given up after 5 seconds, or with its caller if that is sooner.
func TestAskBounded(t *testing.T) {
	for _, c := range []struct {
		caller, want time.Duration
		text         string
	}{
		{time.Hour, 5 * time.Second, "could not be searched in 5s"},
		{2 * time.Second, 2 * time.Second, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			db := sql.OpenDB(nowhere{})
			defer db.Close()
			s := &Store{engine: Engine{Read: db, Failure: func(error) Failure { return FailureOther }}}
			ctx, cancel := context.WithTimeout(t.Context(), c.caller)
			defer cancel()
			begun := time.Now()
			err := s.ask(ctx, func(ctx context.Context, _ querier) error {
				<-ctx.Done() // a database that does not answer
				return ctx.Err()
			})
			var e *fairlead.Error
			if took := time.Since(begun); took != c.want || !errors.As(err, &e) || !strings.Contains(e.Message, c.text) {
				t.Errorf("after %s: %v", took, err)
			}
			if c.text != "" && e.Code != fairlead.CodeControlUnavailable {
				t.Errorf("code %s", e.Code)
			}
		})
	}
}
