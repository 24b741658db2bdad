package postgres

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"fairlead/store"
)

// failure sorts errors: what the server says by its code, everything else by whether it is the connection's.
func failure(err error) store.Failure {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return byCode(e.Code)
	}
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &connect), errors.As(err, &network), pgconn.SafeToRetry(err):
		return store.FailureConnection
	}
	for _, lost := range []error{driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed} {
		if errors.Is(err, lost) {
			return store.FailureConnection
		}
	}
	return store.FailureOther
}

// byCode sorts SQLSTATE codes (PostgreSQL's manual, appendix A).
func byCode(code string) store.Failure {
	switch code {
	case "23505":
		return store.FailureTaken
	case "57P01", "57P02", "57P03", "57P05", "25P03": // ended by an operator, a crash, a start, for being idle
		return store.FailureConnection
	case "25006", "57014", "55P03": // became a standby; took too long
		return store.FailureUnavailable
	}
	switch code[:min(2, len(code))] {
	case "08":
		return store.FailureConnection
	case "28", "3D", "40", "53", "58": // no access, no database, serialization, no resources, system error
		return store.FailureUnavailable
	}
	return store.FailureOther
}
