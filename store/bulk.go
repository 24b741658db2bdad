package store

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
)

const (
	bulkArgs  = 300     // values of one statement, about
	bulkBytes = 4 << 20 // of texts and bytes about
)

// bulk inserts many rows with few statements.
type bulk struct {
	tx      *sql.Tx
	numbers bool   // parameters are $1, $2 ..., else ? each
	insert  string // up to and with VALUES
	then    string // what follows the rows
	columns int
	rest    func() // before each statement; nil = none
	args    []any
	bytes   int
	full    *sql.Stmt // of a full load
	put     int64     // rows that the database took
}

// bulk begins to insert into a table. SQLite gets parameters without numbers: to it $1 is a name, which it looks for among all
// others, so that its time grows with the square of them.
func (e *Engine) bulk(tx *sql.Tx, insert string, columns int) *bulk {
	return &bulk{tx: tx, numbers: e.Dialect != goose.DialectSQLite3, insert: insert, columns: columns}
}

func (w *writer) bulk(insert string, columns int) *bulk { return w.engine.bulk(w.tx, insert, columns) }

// most is how many rows a full load has.
func (b *bulk) most() int { return bulkArgs / b.columns }

// add takes a row's values, and inserts what was gathered when that is enough.
func (b *bulk) add(ctx context.Context, row ...any) error {
	b.args = append(b.args, row...)
	for _, v := range row {
		switch v := v.(type) {
		case string:
			b.bytes += len(v)
		case []byte:
			b.bytes += len(v)
		}
	}
	if len(b.args) == b.most()*b.columns || b.bytes >= bulkBytes {
		return b.flush(ctx)
	}
	return nil
}

// flush inserts what was gathered.
func (b *bulk) flush(ctx context.Context) error {
	n := len(b.args) / b.columns
	if n == 0 {
		return nil
	}
	if b.rest != nil {
		b.rest()
	}
	err := b.exec(ctx, n)
	b.args, b.bytes = b.args[:0], 0
	return err
}

func (b *bulk) exec(ctx context.Context, rows int) (err error) {
	if rows != b.most() {
		return b.took(b.tx.ExecContext(ctx, b.statement(rows), b.args...))
	}
	if b.full == nil { // it is closed with the transaction
		if b.full, err = b.tx.PrepareContext(ctx, b.statement(rows)); err != nil {
			return err
		}
	}
	return b.took(b.full.ExecContext(ctx, b.args...))
}

func (b *bulk) took(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	b.put += n
	return err
}

func (b *bulk) statement(rows int) string {
	var s strings.Builder
	s.WriteString(b.insert)
	for i := range rows * b.columns {
		switch {
		case i == 0:
			s.WriteString("(")
		case i%b.columns == 0:
			s.WriteString("), (")
		default:
			s.WriteString(", ")
		}
		if b.numbers {
			s.WriteString("$" + strconv.Itoa(i+1))
		} else {
			s.WriteString("?")
		}
	}
	return s.String() + ")" + b.then
}
