package store

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"strconv"
	"strings"

	"fairlead"
)

// longestLine bounds a line of a backup: a whole document, or a change of many keys.
const longestLine = 512 << 20

// Restore reads what Backup has written into an empty database, in one transaction: a file that was cut off or altered changes
// nothing, and gives CodeInvalidRequest. A database with anything in it gives CodeConflict. The log keeps its name, so that edges
// that know no more than the backup go on where they are; one audit entry says that the restore was. Steps are done behind it.
func (s *Store) Restore(ctx context.Context, r io.Reader, steps ...RestoreStep) (fairlead.BackupInfo, error) {
	in := &restore{failure: s.engine.Failure}
	act := fairlead.Act{At: moment(s.now()), By: "fairlead", Action: actRestore}
	_, err := s.transact(ctx, act, nil, func(ctx context.Context, w *writer) error {
		if err := w.checkEmpty(ctx); err != nil {
			return err
		}
		if err := in.read(ctx, w, r); err != nil {
			return err
		}
		if err := w.lock(ctx, s.engine.Lock); err != nil {
			return err
		}
		w.act.Target = restored(in.info.Position.Number, in.info.At)
		if err := w.note(ctx); err != nil {
			return err
		}
		for _, step := range steps {
			if err := step.do(ctx, w); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fairlead.BackupInfo{}, s.fail("restore", because(ctx, err))
	}
	return in.info, nil
}

// checkEmpty refuses a database that holds anything but the begin of a log.
func (w *writer) checkEmpty(ctx context.Context) error {
	for i := range tables {
		t := &tables[i]
		if t.single {
			continue
		}
		var some bool
		if err := w.tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM `+t.name+`)`).Scan(&some); err != nil {
			return fmt.Errorf("look whether the database is empty: %w", err)
		}
		if some {
			return &fairlead.Error{
				Code:    fairlead.CodeConflict,
				Message: "the database is not empty",
				Hint:    "restore into a new one; what this one holds would be lost",
			}
		}
	}
	return nil
}

// restore is a backup on its way in.
type restore struct {
	failure func(error) Failure
	info    fairlead.BackupInfo
	lines   *bufio.Reader
	sum     hash.Hash
	rows    map[string]int64
	load    *bulk
	table   *table
	names   map[string]bool // of tokens in use
}

// errBackup says what is wrong with a backup.
func errBackup(what string, err error) error {
	return &fairlead.Error{
		Code:    fairlead.CodeInvalidRequest,
		Message: "this is no whole backup of fairlead: " + what,
		Hint:    "nothing was restored; take another copy of the file",
		Err:     err,
	}
}

func (in *restore) read(ctx context.Context, w *writer, r io.Reader) error {
	zip, err := gzip.NewReader(r)
	if err != nil {
		return errBackup("it is not compressed as one", err)
	}
	in.lines, in.sum, in.rows = bufio.NewReaderSize(zip, 64<<10), sha256.New(), map[string]int64{}
	if err := in.readHeader(); err != nil {
		return err
	}
	end, err := in.readRows(ctx, w)
	if err != nil {
		return err
	}
	if err := in.check(end); err != nil {
		return err
	}
	v := verifier{q: w.tx}
	if err := v.walk(ctx); err != nil {
		return err
	}
	if len(v.found.Faults) > 0 {
		return errBackup(v.found.Faults[0], errors.New(strings.Join(v.found.Faults, "; ")))
	}
	books := bookkeeper{q: w.tx}
	if err := books.walk(ctx); err != nil {
		return err
	}
	if len(books.found.Faults) > 0 {
		return errBackup(books.found.Faults[0], errors.New(strings.Join(books.found.Faults, "; ")))
	}
	if v.found.Position != in.info.Position {
		return errBackup("it ends at another change than it says", nil)
	}
	in.info.Rows = in.rows
	return nil
}

func (in *restore) readHeader() error {
	line, err := in.line()
	if err != nil {
		return err
	}
	if json.Unmarshal(line, &in.info) != nil || in.info.Format != backupFormat {
		return errBackup("its first line is not a backup's", nil)
	}
	if in.info.Schema < oldestBackup || in.info.Schema > backupSchema {
		return errBackup(fmt.Sprintf("it has schema %d, and this program reads %d to %d", in.info.Schema, oldestBackup, backupSchema), nil)
	}
	in.sum.Write(line)
	return nil
}

// readRows inserts all rows and gives the line behind them.
func (in *restore) readRows(ctx context.Context, w *writer) (end backupEnd, err error) {
	for {
		line, err := in.line()
		if err != nil {
			return end, err
		}
		if line[0] == '{' {
			if err := json.Unmarshal(line, &end); err != nil {
				return end, errBackup("its last line cannot be read", err)
			}
			return end, in.flush(ctx)
		}
		in.sum.Write(line)
		var values []json.RawMessage
		if err := json.Unmarshal(line, &values); err != nil || len(values) == 0 {
			return end, errBackup("a line cannot be read", err)
		}
		name, err := decodeAs[string](values[0])
		if err != nil {
			return end, errBackup("a line names no table", err)
		}
		if err := in.insert(ctx, w, name, values[1:]); err != nil {
			return end, err
		}
	}
}

// insert takes one row.
func (in *restore) insert(ctx context.Context, w *writer, name string, values []json.RawMessage) error {
	if in.table == nil || in.table.name != name {
		if err := in.flush(ctx); err != nil {
			return err
		}
		if in.table = tableOf(name); in.table == nil {
			return errBackup("it has a table that is not known", nil)
		}
		in.load = w.bulk(in.table.insert(), len(in.table.columns))
	}
	if name == "keys" && in.info.Schema <= plainSchema {
		none := json.RawMessage(`""`)
		values = append(values, none, none, none)
	}
	row, err := in.table.decode(values)
	if err != nil {
		return errBackup("a row of "+name+" cannot be read", err)
	}
	in.rows[name]++
	if name == "tokens" {
		in.nameToken(row)
	}
	if in.table.single {
		return in.refused(in.table.replace(ctx, w, row))
	}
	return in.refused(in.load.add(ctx, row...))
}

// nameToken tells tokens in use of one name apart by their ids, as migration 00005 does: the backup may be older.
func (in *restore) nameToken(row []any) {
	id, name, revoked := row[0].(string), row[1].(string), row[5]
	if revoked != nil {
		return
	}
	if in.names == nil {
		in.names = map[string]bool{}
	}
	if in.names[name] {
		name += " " + id
		row[1] = name
	}
	in.names[name] = true
}

func (in *restore) flush(ctx context.Context) error {
	if in.load == nil {
		return nil
	}
	return in.refused(in.load.flush(ctx))
}

// refused blames the backup for rows that the database does not take, such as two with one number.
func (in *restore) refused(err error) error {
	failure := in.failure(err)
	if err == nil || failure == FailureConnection || failure == FailureUnavailable ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return errBackup("the database refuses a row of it", err)
}

func tableOf(name string) *table {
	for i := range tables {
		if tables[i].name == name {
			return &tables[i]
		}
	}
	return nil
}

// replace writes the one row of a table that has it already.
func (t *table) replace(ctx context.Context, w *writer, row []any) error {
	sets := make([]string, len(t.columns))
	for i, c := range t.columns {
		sets[i] = c + " = $" + strconv.Itoa(i+1)
	}
	_, err := w.tx.ExecContext(ctx, `UPDATE `+t.name+` SET `+strings.Join(sets, ", ")+` WHERE id = 1`, row...)
	return err
}

// check compares what was read with what the last line says.
func (in *restore) check(end backupEnd) error {
	var sum fairlead.Hash
	in.sum.Sum(sum[:0])
	if sum != end.Sum || !maps.Equal(in.rows, end.Rows) {
		return errBackup("its content is not what was backed up", nil)
	}
	if _, err := in.lines.ReadByte(); !errors.Is(err, io.EOF) {
		return errBackup("there is something behind its end", err)
	}
	return nil
}

// line reads one line with its end.
func (in *restore) line() ([]byte, error) {
	var line []byte
	for {
		part, err := in.lines.ReadSlice('\n')
		if line = append(line, part...); len(line) > longestLine {
			return nil, errBackup("a line is too long", nil)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, errBackup("it is cut off or damaged", err)
		}
	}
	if len(bytes.TrimSpace(line)) == 0 {
		return nil, errBackup("a line is empty", nil)
	}
	return line, nil
}
