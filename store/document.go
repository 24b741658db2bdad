package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"fairlead"
	"fairlead/internal/mergepatch"
)

// wholeEvery is how many revisions may lie between two documents that are kept whole: so many patches, at most, make any
// document.
const wholeEvery = 64

// keepDocument makes a document the current one. It is kept for good as well where patches alone would make it dear to find
// again: after so many, or when they outweigh it.
func (w *writer) keepDocument(ctx context.Context, before stateRow, content *fairlead.RevisionContent, document []byte) error {
	weights, err := optional(len(content.Weights) > 0, content.Weights)
	if err != nil {
		return err
	}
	trial, err := optional(content.Trial != nil, content.Trial)
	if err != nil {
		return err
	}
	whole, patched := before.whole, before.patched+int64(len(content.Patch))
	if whole == 0 || content.Revision-whole >= wholeEvery || patched > int64(len(document)) {
		whole, patched = content.Revision, 0
		_, err := w.tx.ExecContext(ctx, `INSERT INTO documents (revision, document) VALUES ($1, $2)`, whole, string(document))
		if err != nil {
			return fmt.Errorf("keep document: %w", err)
		}
	}
	_, err = w.tx.ExecContext(ctx, `UPDATE state SET revision = $1, at = $2, document = $3, weights = $4, trial = $5, whole = $6, patched = $7 WHERE id = 1`,
		content.Revision, w.act.At.UnixMicro(), string(document), weights, trial, whole, patched)
	if err != nil {
		return fmt.Errorf("keep configuration: %w", err)
	}
	return nil
}

// Document gives the whole document of a revision; that of 0 is {}. CodeNotFound where there is no such revision.
func (s *Store) Document(ctx context.Context, n int64) (document []byte, err error) {
	if n == 0 {
		return []byte(`{}`), nil
	}
	err = s.read(ctx, "read document", func(ctx context.Context, q querier) (err error) {
		document, err = readDocument(ctx, q, n)
		return err
	})
	return document, err
}

func readDocument(ctx context.Context, q querier, n int64) ([]byte, error) {
	var sum fairlead.Hash
	err := q.QueryRowContext(ctx, `SELECT sum FROM revisions WHERE number = $1`, n).Scan(scanHash(&sum))
	if err != nil {
		return nil, missing(err, "there is no revision "+strconv.FormatInt(n, 10), "fairlead revisions lists them")
	}
	var whole int64
	var text []byte
	err = q.QueryRowContext(ctx, `SELECT revision, document FROM documents WHERE revision <= $1 ORDER BY revision DESC LIMIT 1`, n).Scan(&whole, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errDocument(n)
	}
	if err != nil {
		return nil, err
	}
	document := mergepatch.Open(text)
	err = each(ctx, q, func(r scanner) error {
		var content []byte
		if err := r.Scan(&content); err != nil {
			return err
		}
		patch, err := decodeRevision(content)
		if err != nil {
			return err
		}
		return document.Merge(patch.Patch)
	}, `SELECT content FROM revisions JOIN changes ON changes.number = revisions.change
		WHERE revisions.number > $1 AND revisions.number <= $2 ORDER BY revisions.number`, whole, n)
	if err != nil {
		return nil, err
	}
	if text = document.Bytes(); sumOf(text) != sum {
		return nil, errDocument(n)
	}
	return text, nil
}

func errDocument(n int64) error {
	return &fairlead.Error{
		Code:    fairlead.CodeInternal,
		Message: "the document of revision " + strconv.FormatInt(n, 10) + " is not the one that was committed",
		Hint:    "the database was altered: `fairlead audit verify` says where",
	}
}
