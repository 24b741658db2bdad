package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"fairlead/internal/mergepatch"
)

// stamp tells one state of a document from another: a revision of a number is committed once.
type stamp struct {
	revision, at   int64
	whole, patched int64
}

const stampColumns = `revision, at, whole, patched`

// examine checks a patch against the document of revision base as it is before the head row is taken, for a large one takes
// long, and whoever revokes a key must not wait for it. The stamp is that of the state that it read; one of no
// revision where that is not at base, which is for the write to say.
func (s *Store) examine(ctx context.Context, base int64, patch, document []byte) (at stamp, err error) {
	var before []byte
	err = s.read(ctx, "read configuration", func(ctx context.Context, q querier) error {
		return q.QueryRowContext(ctx, `SELECT `+stampColumns+`, document FROM state WHERE id = 1`).
			Scan(&at.revision, &at.at, &at.whole, &at.patched, &before)
	})
	if err != nil || at.revision != base {
		return stamp{revision: -1}, err
	}
	return at, makes(before, patch, document)
}

// makes says why a patch does not make one document of another.
func makes(before, patch, document []byte) error {
	made := mergepatch.Open(before)
	if err := made.Merge(patch); err != nil {
		return fmt.Errorf("check patch: %w", err)
	}
	if !bytes.Equal(made.Bytes(), document) {
		return errors.New("the patch does not make the document")
	}
	return nil
}

// stateExamined is stateAt, without the document where it is the one of a stamp.
func (w *writer) stateExamined(ctx context.Context, base int64, examined stamp) (st stateRow, err error) {
	var now stamp
	var weights []byte
	err = w.tx.QueryRowContext(ctx, `SELECT `+stampColumns+`, weights FROM state WHERE id = 1`).
		Scan(&now.revision, &now.at, &now.whole, &now.patched, &weights)
	if err != nil {
		return st, fmt.Errorf("read configuration: %w", err)
	}
	if now.revision != base || now != examined {
		return w.stateAt(ctx, base)
	}
	st.Revision, st.whole, st.patched = now.revision, now.whole, now.patched
	if len(weights) > 0 {
		err = json.Unmarshal(weights, &st.Weights)
	}
	return st, err
}
