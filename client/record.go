package client

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"time"

	"fairlead"
)

// RecordFilter says which records are wanted; the zero one wants all of the last hour.
type RecordFilter struct {
	From, Until time.Time // zero = an hour before Until, and now
	Model       string    // its configured name
	Endpoint    string    // that answered
	Provider    string    // that was asked, whether or not it answered
	Key         string    // its id
	Code        string
	Status      string // one, a bound, or a class: 502, >=500, <400, 5xx
	MinDuration string // such as 2s
	Node        string
	Region      string
	Stream      string // true or false
	Trial       string // true or false: whether it went by a revision on trial
	Kept        string // failure, slow or sample
}

func (f RecordFilter) query() url.Values {
	query := url.Values{}
	for name, value := range map[string]string{
		"model": f.Model, "endpoint": f.Endpoint, "provider": f.Provider, "key": f.Key, "code": f.Code, "status": f.Status,
		"min_duration": f.MinDuration, "node": f.Node, "region": f.Region, "stream": f.Stream, "trial": f.Trial, "kept": f.Kept,
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	for name, at := range map[string]time.Time{"from": f.From, "until": f.Until} {
		if !at.IsZero() {
			query.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	return query
}

// Record is what one exchange did. Durations are in microseconds.
type Record struct {
	ID         string           `json:"id"`
	At         time.Time        `json:"at"` // its begin
	Node       string           `json:"node"`
	Kept       fairlead.Kept    `json:"kept"` // why there is a record of it
	Operation  string           `json:"operation"`
	Dialect    fairlead.Dialect `json:"dialect,omitempty"`
	Model      string           `json:"model,omitempty"`    // as it was asked for
	Served     string           `json:"served,omitempty"`   // its configured name
	Endpoint   string           `json:"endpoint,omitempty"` // that answered, or began to
	Key        string           `json:"key,omitempty"`
	Account    string           `json:"account,omitempty"` // of the key, when the exchange entered
	Team       string           `json:"team,omitempty"`
	CallerID   string           `json:"caller_id,omitempty"`
	Revision   int64            `json:"revision"`
	Trial      string           `json:"trial,omitempty"` // whose revision that is; "" = it is none on trial
	Stream     bool             `json:"stream"`
	Translated bool             `json:"translated,omitempty"`
	Status     int              `json:"status"`
	Code       fairlead.Code    `json:"code,omitempty"`
	Error      string           `json:"error,omitempty"`
	Tokens
	Cost     *string   `json:"cost_usd"` // nil = not known
	TTFT     int64     `json:"ttft_us,omitempty"`
	Duration int64     `json:"duration_us"`
	Overhead int64     `json:"overhead_us,omitempty"`
	BytesIn  int64     `json:"bytes_in"`
	BytesOut int64     `json:"bytes_out"`
	Attempts []Attempt `json:"attempts"`
	Shut     []string  `json:"shut,omitempty"` // endpoints whose turn it was, and which health kept away
}

// Tokens are those of an exchange.
type Tokens struct {
	Input       int64 `json:"input"`
	CacheRead   int64 `json:"cache_read,omitempty"`
	CacheWrite  int64 `json:"cache_write,omitempty"`
	Output      int64 `json:"output"`
	Reasoning   int64 `json:"reasoning,omitempty"`    // a part of Output
	AudioInput  int64 `json:"audio_input,omitempty"`  // a part of Input
	AudioOutput int64 `json:"audio_output,omitempty"` // a part of Output
	ImageInput  int64 `json:"image_input,omitempty"`  // a part of the prompt
	Images      int64 `json:"images,omitempty"`       // in the prompt, by their number
	Estimated   bool  `json:"estimated,omitempty"`
	// Estimated from bytes, whatever the provider reported.
	NormalPrompt int64 `json:"normal_prompt,omitempty"`
	NormalOutput int64 `json:"normal_output,omitempty"`
}

// Attempt is one try at an endpoint.
type Attempt struct {
	Endpoint string           `json:"endpoint"`
	Why      string           `json:"why,omitempty"` // it was made there
	Start    int64            `json:"start_us"`      // since the exchange began
	Duration int64            `json:"duration_us"`
	Status   int              `json:"status,omitempty"`
	Outcome  fairlead.Outcome `json:"outcome"`
	Detail   string           `json:"detail,omitempty"`
	After    bool             `json:"after_commit,omitempty"`
}

// RecordCounts are the exchanges of a time, with and without a record.
type RecordCounts struct {
	Seen    int64 `json:"seen"`
	Kept    int64 `json:"kept"`
	LeftOut int64 `json:"left_out"` // ordinary ones beyond settings.records.per_second
	Dropped int64 `json:"dropped"`  // there was no room for their records
}

// RecordPage is a page of records, the newest first.
type RecordPage struct {
	Data   []Record      `json:"data"`
	From   time.Time     `json:"from"`
	Until  time.Time     `json:"until"`
	Counts *RecordCounts `json:"counts,omitempty"` // of the time and the node alone; nil = they were not counted
	Next   string        `json:"next,omitempty"`
}

// Records gives the first page of records, of at most so many.
func (c *Client) Records(ctx context.Context, f RecordFilter, limit int) (RecordPage, error) {
	return c.recordPage(ctx, f, limit, "")
}

func (c *Client) recordPage(ctx context.Context, f RecordFilter, limit int, cursor string) (page RecordPage, err error) {
	query := f.query()
	if limit > 0 {
		query.Set("limit", fmt.Sprint(limit))
	}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	err = c.get(ctx, query, &page, "records")
	return page, err
}

// mostRecords is the largest page.
const mostRecords = 1000

// AllRecords goes through the pages of records, each with at most so many rows; 0 = as many as there can be.
func (c *Client) AllRecords(ctx context.Context, f RecordFilter, limit int) iter.Seq2[RecordPage, error] {
	return func(yield func(RecordPage, error) bool) {
		if limit <= 0 || limit > mostRecords {
			limit = mostRecords
		}
		cursor := ""
		for {
			page, err := c.recordPage(ctx, f, limit, cursor)
			if !yield(page, err) || err != nil || page.Next == "" || page.Next == cursor {
				return
			}
			cursor, f.From, f.Until = page.Next, page.From, page.Until
		}
	}
}

// Exchange is what is known of one exchange.
type Exchange struct {
	ID       string            `json:"id"`
	Began    time.Time         `json:"began"`
	Node     string            `json:"node,omitempty"`
	Record   *Record           `json:"record"` // nil = it was left out, has not arrived, or is gone
	Lines    []Line            `json:"lines"`  // charge lines; an exchange that was sent nowhere has none
	Revision *ExchangeRevision `json:"revision"`
}

// Line is a charge line with the frame that is its evidence.
type Line struct {
	Kind      fairlead.LineKind `json:"kind"`
	At        time.Time         `json:"at"`
	Key       string            `json:"key,omitempty"`
	Account   string            `json:"account,omitempty"`
	Team      string            `json:"team,omitempty"`
	Model     string            `json:"model,omitempty"`
	Prompt    int64             `json:"prompt,omitempty"` // of an intent: estimated tokens
	MaxOutput int64             `json:"max_output,omitempty"`
	Endpoint  string            `json:"endpoint,omitempty"`
	Tokens
	Cost     *string           `json:"cost_usd"`
	Status   int               `json:"status,omitempty"`
	Code     fairlead.Code     `json:"code,omitempty"`
	Attempts int               `json:"attempts,omitempty"`
	Frame    fairlead.FrameKey `json:"frame"`
}

// ExchangeRevision is the revision that an exchange was planned by.
type ExchangeRevision struct {
	Number int64           `json:"number"`
	At     time.Time       `json:"at,omitzero"`
	By     string          `json:"by,omitempty"`
	Why    string          `json:"why,omitempty"`
	Origin fairlead.Origin `json:"origin,omitempty"`
}

// Exchange gives what is known of an exchange.
func (c *Client) Exchange(ctx context.Context, id string) (Exchange, error) {
	var x Exchange
	err := c.get(ctx, nil, &x, "records", id)
	return x, err
}
