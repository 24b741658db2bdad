package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Notice says what a tail has not shown since the notice before.
type Notice struct {
	Dropped int64 `json:"dropped"`  // records beyond 20 a second, or what the reader takes
	LeftOut int64 `json:"left_out"` // exchanges without a record
}

// Tail gives records as they come up, until ctx ends or f gives an error. One of record and notice is not nil.
func (c *Client) Tail(ctx context.Context, filter RecordFilter, f func(record *Record, notice *Notice) error) error {
	unbounded := *c.http
	unbounded.Timeout = 0
	resp, err := c.do(ctx, ask{method: http.MethodGet, path: []string{"records", "tail"}, query: filter.query()}, &unbounded)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(make([]byte, 0, 64<<10), 1<<20)
	kind := ""
	for lines.Scan() {
		line := lines.Bytes()
		if name, ok := bytes.CutPrefix(line, []byte("event: ")); ok {
			kind = string(name)
		}
		data, ok := bytes.CutPrefix(line, []byte("data: "))
		if !ok {
			continue
		}
		if err := tailed(kind, data, f); err != nil {
			return err
		}
	}
	err = lines.Err()
	if err == nil {
		err = io.ErrUnexpectedEOF // it never ends by itself
	}
	return errors.Join(ctx.Err(), fmt.Errorf("follow records: %w", err))
}

func tailed(kind string, data []byte, f func(*Record, *Notice) error) error {
	var record *Record
	var notice *Notice
	var err error
	switch kind {
	case "record":
		err = json.Unmarshal(data, &record)
	case "notice":
		err = json.Unmarshal(data, &notice)
	}
	if err != nil {
		return fmt.Errorf("follow records: %w", err)
	}
	if record == nil && notice == nil { // of a kind that is newer than this client
		return nil
	}
	return f(record, notice)
}
