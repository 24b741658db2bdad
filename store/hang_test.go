package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"fairlead"
)

// hanging is a database that was reached and never answers again.
type hanging struct{}

func (h hanging) Connect(context.Context) (driver.Conn, error) { return h, nil }
func (h hanging) Driver() driver.Driver                        { return h }
func (h hanging) Open(string) (driver.Conn, error)             { return h, nil }
func (hanging) Prepare(string) (driver.Stmt, error)            { return nil, driver.ErrBadConn }
func (hanging) Close() error                                   { return nil }
func (hanging) Begin() (driver.Tx, error)                      { return nil, driver.ErrBadConn }

func (hanging) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestDatabaseHangs holds that a database that does not answer is to blame, and a caller who leaves is not its fault.
func TestDatabaseHangs(t *testing.T) {
	for name, bound := range map[string]time.Duration{"no bound of the caller's": 0, "a longer one": time.Minute, "a shorter one": time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := sql.OpenDB(hanging{})
				defer db.Close()
				s := &Store{engine: Engine{Write: db, Read: db, Failure: func(error) Failure { return FailureOther }}}
				ctx := t.Context()
				if bound > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, bound)
					defer cancel()
				}
				_, _, err := s.RemoveNode(ctx, "x", fairlead.Act{By: "admin", Action: "node.remove"})
				var e *fairlead.Error
				if !errors.As(err, &e) || e.Code != fairlead.CodeControlUnavailable || errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (&Store{}).fail("x", because(ctx, context.Canceled)); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who left gets %v", err)
	}
}
