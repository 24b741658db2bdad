package postgres

import (
	"errors"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"fairlead/store"
)

// TestCodes holds how the server's words are taken.
func TestCodes(t *testing.T) {
	for code, want := range map[string]store.Failure{
		"23505": store.FailureTaken,
		"57P01": store.FailureConnection, "57P02": store.FailureConnection, "57P03": store.FailureConnection, "08006": store.FailureConnection,
		"25P03": store.FailureConnection, "57P05": store.FailureConnection,
		"40001": store.FailureUnavailable, "40P01": store.FailureUnavailable, "53300": store.FailureUnavailable, "53100": store.FailureUnavailable,
		"25006": store.FailureUnavailable, "28P01": store.FailureUnavailable, "3D000": store.FailureUnavailable, "58030": store.FailureUnavailable,
		"23514": store.FailureOther, "42P01": store.FailureOther, "22021": store.FailureOther, "": store.FailureOther,
	} {
		if got := failure(errors.Join(errors.New("x"), &pgconn.PgError{Code: code})); got != want {
			t.Errorf("code %s: %d, want %d", code, got, want)
		}
	}
	if failure(nil) != store.FailureOther || failure(errors.New("x")) != store.FailureOther || failure(io.ErrUnexpectedEOF) != store.FailureConnection {
		t.Error("errors without a code are not sorted")
	}
}
