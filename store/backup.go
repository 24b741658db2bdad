package store

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"hash"
	"io"
	"time"

	"fairlead"
)

const (
	backupFormat = "fairlead-backup"
	// backupSchema is the migration that a backup's tables are of. Later ones have changed no table of it.
	backupSchema = 8
	// oldestBackup is that of the oldest backup that can be restored: what later ones have added begins empty.
	oldestBackup = 4
	// plainSchema is the last one whose keys have neither account nor terms.
	plainSchema = 6
)

// backupEnd is the last line of a backup: what makes it whole.
type backupEnd struct {
	Rows map[string]int64 `json:"rows"`
	Sum  fairlead.Hash    `json:"sha256"` // of all lines before this one
}

// Backup writes everything that the store holds, as it is at one moment: gzip of lines of JSON, first a fairlead.BackupInfo, then each row as an
// array that begins with its table's name, then counts and a SHA-256. Every back end writes and restores the same.
// Secrets in it are as they are stored: sealed, or as hashes.
func (s *Store) Backup(ctx context.Context, w io.Writer) (info fairlead.BackupInfo, err error) {
	err = s.snapshot(ctx, func(tx *sql.Tx) error {
		zip := gzip.NewWriter(w)
		b := &backup{lines: bufio.NewWriterSize(zip, 64<<10), sum: sha256.New()}
		if err := b.write(ctx, tx); err != nil {
			return err
		}
		info = b.info
		if err := b.lines.Flush(); err != nil {
			return err
		}
		return zip.Close()
	})
	if err != nil {
		return fairlead.BackupInfo{}, s.fail("back up", because(ctx, err))
	}
	return info, nil
}

// backup is one on its way out.
type backup struct {
	info  fairlead.BackupInfo
	lines *bufio.Writer
	sum   hash.Hash
}

func (b *backup) write(ctx context.Context, q querier) (err error) {
	b.info = fairlead.BackupInfo{Format: backupFormat, Schema: backupSchema, At: moment(time.Now())}
	if b.info.Position, err = readHead(ctx, q); err != nil {
		return fmt.Errorf("read head: %w", err)
	}
	if err := b.line(&b.info); err != nil {
		return err
	}
	b.info.Rows = map[string]int64{}
	for i := range tables {
		t := &tables[i]
		err := each(ctx, q, func(r scanner) error {
			row, err := t.scan(r)
			if err != nil {
				return err
			}
			b.info.Rows[t.name]++
			return b.line(row)
		}, t.selectAll())
		if err != nil {
			return fmt.Errorf("read %s: %w", t.name, err)
		}
	}
	end := backupEnd{Rows: b.info.Rows}
	b.sum.Sum(end.Sum[:0])
	return b.line(&end)
}

func (b *backup) line(v any) error {
	text, err := encode(v)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	b.sum.Write(text)
	_, err = b.lines.Write(text)
	return err
}
