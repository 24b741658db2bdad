package fairlead

import (
	"bytes"
	"encoding/json"
	"time"
)

// Kept says why the record of an exchange was kept.
type Kept string

// Why records are kept.
const (
	KeptFailure Kept = "failure" // it failed, or an attempt of it did
	KeptSlow    Kept = "slow"
	KeptSample  Kept = "sample" // drawn among the ordinary ones of its second
)

// StoredRecord is a record as it is sent up and kept for looking. It holds no prompt, no answer and no secret.
// Times are in microseconds.
type StoredRecord struct {
	ID           string          `json:"id"`
	Node         string          `json:"node,omitempty"` // set by who takes a batch, never by a row
	At           int64           `json:"at"`             // the exchange's begin, since 1970
	Kept         Kept            `json:"kept"`
	Operation    string          `json:"operation"`
	Dialect      Dialect         `json:"dialect"`
	Model        string          `json:"model,omitempty"`  // as asked, clipped
	Served       string          `json:"served,omitempty"` // the configured name
	Endpoint     string          `json:"endpoint,omitempty"`
	Key          string          `json:"key,omitempty"`
	Account      string          `json:"account,omitempty"`
	Team         string          `json:"team,omitempty"`
	CallerID     string          `json:"caller_id,omitempty"`
	Revision     int64           `json:"revision,omitempty"`
	Trial        string          `json:"trial,omitempty"` // whose revision it went by; "" = it went by none on trial
	Stream       bool            `json:"stream,omitempty"`
	Translated   bool            `json:"translated,omitempty"`
	Status       int             `json:"status,omitempty"`
	Code         Code            `json:"code,omitempty"`
	Error        string          `json:"error,omitempty"` // the cause, as the log tells it, clipped
	Input        int64           `json:"input,omitempty"`
	CacheRead    int64           `json:"cache_read,omitempty"`
	CacheWrite   int64           `json:"cache_write,omitempty"`
	Output       int64           `json:"output,omitempty"`
	Reasoning    int64           `json:"reasoning,omitempty"`
	AudioInput   int64           `json:"audio_input,omitempty"`
	AudioOutput  int64           `json:"audio_output,omitempty"`
	ImageInput   int64           `json:"image_input,omitempty"`
	Images       int64           `json:"images,omitempty"`
	Estimated    bool            `json:"estimated,omitempty"`
	NormalPrompt int64           `json:"normal_prompt,omitempty"` // estimated from bytes, whatever the provider reported
	NormalOutput int64           `json:"normal_output,omitempty"`
	Cost         *USD            `json:"cost,omitempty"` // nano-dollars; absent = unknown
	TTFT         int64           `json:"ttft,omitempty"`
	Duration     int64           `json:"duration"`
	Overhead     int64           `json:"overhead,omitempty"`
	BytesIn      int64           `json:"bytes_in,omitempty"`
	BytesOut     int64           `json:"bytes_out,omitempty"`
	Attempts     []StoredAttempt `json:"attempts,omitempty"`
	Shut         []string        `json:"shut,omitempty"` // endpoints whose turn it was, and which health kept away
}

// StoredAttempt is an Attempt of a StoredRecord.
type StoredAttempt struct {
	Endpoint string  `json:"endpoint"`
	Start    int64   `json:"start"` // since the exchange began
	Duration int64   `json:"duration"`
	Status   int     `json:"status,omitempty"`
	Outcome  Outcome `json:"outcome"`
	Detail   string  `json:"detail,omitempty"`
	Why      string  `json:"why,omitempty"`
	After    bool    `json:"after,omitempty"`
}

// RecordSecond counts the exchanges that ended in one second on one node: those with a record, and those
// without.
type RecordSecond struct {
	Second  int64 `json:"second"` // since 1970
	Seen    int64 `json:"seen"`
	Kept    int64 `json:"kept"`
	LeftOut int64 `json:"left_out,omitempty"` // ordinary ones that were not drawn
	Dropped int64 `json:"dropped,omitempty"`  // meant to be kept, but there was no room
}

// MaxBatch bounds a batch of records as it is sent, in bytes.
const MaxBatch = 64 << 10

// RecordBatch is what a node sends up of its records at once.
type RecordBatch struct {
	Node    string         `json:"node"`
	Seconds []RecordSecond `json:"seconds,omitempty"`
	Rows    []byte         `json:"-"` // StoredRecords as JSON, each with a newline
}

// MarshalBinary writes the batch as one line of JSON with everything but the rows, and then these.
func (b *RecordBatch) MarshalBinary() ([]byte, error) { return marshalLines(b, b.Rows) }

// UnmarshalBinary reads what MarshalBinary writes. It keeps no part of p.
func (b *RecordBatch) UnmarshalBinary(p []byte) (err error) {
	*b = RecordBatch{}
	b.Rows, err = unmarshalLines(p, b)
	return err
}

// Records reads the rows of a batch; each is of the batch's node, whatever it says itself. A row that cannot be
// read, or whose id is no exchange's of this node and about its time, is counted as bad.
func (b *RecordBatch) Records() (list []StoredRecord, bad int) {
	node := TagOf(b.Node)
	for row := range bytes.Lines(b.Rows) {
		var r StoredRecord
		if json.Unmarshal(row, &r) != nil || !r.plausible(node) {
			bad++
			continue
		}
		r.Node = b.Node
		list = append(list, r)
	}
	return list, bad
}

func (r *StoredRecord) plausible(node Tag) bool {
	at, tag, ok := ParseID(r.ID)
	return ok && tag == node && time.UnixMicro(r.At).Sub(at).Abs() < time.Second
}
