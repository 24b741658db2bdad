package control

import (
	"context"
	"errors"
	"strconv"
	"time"

	"fairlead"
)

const (
	// recordsTime is what is looked through where nobody says.
	recordsTime = time.Hour
	// clocksTime is how far the clocks of nodes may be ahead of this one's.
	clocksTime = time.Minute
	// recordsPage is a page where nobody says.
	recordsPage = 100
	// countTime bounds the counting beside a list, which is not worth waiting for.
	countTime = time.Second
)

// recordAnswer is a record as the API shows it. What was said stands in none.
type recordAnswer struct {
	ID         string           `json:"id"`
	At         time.Time        `json:"at"` // the exchange's begin, by its node's clock
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
	Trial      string           `json:"trial,omitempty"` // whose revision that is; left out where it is none on trial
	Stream     bool             `json:"stream"`
	Translated bool             `json:"translated,omitempty"`
	Status     int              `json:"status"`
	Code       fairlead.Code    `json:"code,omitempty"`
	Error      string           `json:"error,omitempty"`
	usageAnswer
	Cost     *string         `json:"cost_usd"` // null = not known
	TTFT     int64           `json:"ttft_us,omitempty"`
	Duration int64           `json:"duration_us"`
	Overhead int64           `json:"overhead_us,omitempty"`
	BytesIn  int64           `json:"bytes_in"`
	BytesOut int64           `json:"bytes_out"`
	Attempts []attemptAnswer `json:"attempts"`
	Shut     []string        `json:"shut,omitempty"` // endpoints whose turn it was, and which health kept away
}

type usageAnswer struct {
	Input       int64 `json:"input"` // tokens
	CacheRead   int64 `json:"cache_read,omitempty"`
	CacheWrite  int64 `json:"cache_write,omitempty"`
	Output      int64 `json:"output"`
	Reasoning   int64 `json:"reasoning,omitempty"`    // a part of output
	AudioInput  int64 `json:"audio_input,omitempty"`  // a part of input
	AudioOutput int64 `json:"audio_output,omitempty"` // a part of output
	ImageInput  int64 `json:"image_input,omitempty"`  // a part of the prompt
	Images      int64 `json:"images,omitempty"`       // in the prompt, by their number
	Estimated   bool  `json:"estimated,omitempty"`
	// Estimated from bytes, whatever the provider reported.
	NormalPrompt int64 `json:"normal_prompt,omitempty"`
	NormalOutput int64 `json:"normal_output,omitempty"`
}

type attemptAnswer struct {
	Endpoint string           `json:"endpoint"`
	Why      string           `json:"why,omitempty"` // it was made there
	Start    int64            `json:"start_us"`      // since the exchange began
	Duration int64            `json:"duration_us"`
	Status   int              `json:"status,omitempty"`
	Outcome  fairlead.Outcome `json:"outcome"`
	Detail   string           `json:"detail,omitempty"`
	After    bool             `json:"after_commit,omitempty"`
}

// recordsAnswer is a page of records, with how many exchanges of the time there are.
type recordsAnswer struct {
	Data  []recordAnswer `json:"data"`
	From  time.Time      `json:"from"`
	Until time.Time      `json:"until"`
	// Counts are of the time and the node that were asked for, whatever else was; left out on later pages, and where
	// counting takes too long.
	Counts *countsAnswer `json:"counts,omitempty"`
	Next   string        `json:"next,omitempty"` // cursor of the next page
}

type countsAnswer struct {
	Seen    int64 `json:"seen"`
	Kept    int64 `json:"kept"`     // with a record, unless it is gone by now
	LeftOut int64 `json:"left_out"` // ordinary ones beyond settings.records.per_second
	Dropped int64 `json:"dropped"`  // there was no room for their records
}

// exchangeAnswer is what is known of one exchange.
type exchangeAnswer struct {
	ID       string        `json:"id"`
	Began    time.Time     `json:"began"`          // as the id tells
	Node     string        `json:"node,omitempty"` // likewise; left out where no node is known to have it
	Record   *recordAnswer `json:"record"`         // null = it was left out, has not arrived, or is gone
	Lines    []lineAnswer  `json:"lines"`          // charge lines; an exchange that was sent nowhere has none
	Revision *entryAnswer  `json:"revision"`       // that it was planned by; null = none, or not known
}

type lineAnswer struct {
	Kind      fairlead.LineKind `json:"kind"`
	At        time.Time         `json:"at"`
	Key       string            `json:"key,omitempty"`
	Account   string            `json:"account,omitempty"`
	Team      string            `json:"team,omitempty"`
	Model     string            `json:"model,omitempty"`
	Prompt    int64             `json:"prompt,omitempty"` // of an intent: estimated tokens
	MaxOutput int64             `json:"max_output,omitempty"`
	Endpoint  string            `json:"endpoint,omitempty"`
	usageAnswer
	Cost     *string           `json:"cost_usd"`
	Status   int               `json:"status,omitempty"`
	Code     fairlead.Code     `json:"code,omitempty"`
	Attempts int               `json:"attempts,omitempty"`
	Frame    fairlead.FrameKey `json:"frame"` // the evidence
}

type entryAnswer struct {
	Number int64           `json:"number"`
	At     time.Time       `json:"at,omitzero"`
	By     string          `json:"by,omitempty"`
	Why    string          `json:"why,omitempty"`
	Origin fairlead.Origin `json:"origin,omitempty"`
}

func showRecord(r *fairlead.StoredRecord) recordAnswer {
	shown := recordAnswer{
		ID: r.ID, At: micros(r.At), Node: r.Node, Kept: r.Kept, Operation: r.Operation, Dialect: r.Dialect, Model: r.Model, Served: r.Served,
		Endpoint: r.Endpoint, Key: r.Key, Account: r.Account, Team: r.Team, CallerID: r.CallerID, Revision: r.Revision, Trial: r.Trial, Stream: r.Stream, Translated: r.Translated,
		Status: r.Status, Code: r.Code, Error: r.Error,
		usageAnswer: usageAnswer{
			r.Input, r.CacheRead, r.CacheWrite, r.Output, r.Reasoning, r.AudioInput, r.AudioOutput, r.ImageInput, r.Images, r.Estimated, r.NormalPrompt, r.NormalOutput,
		},
		Cost: dollars(r.Cost), TTFT: r.TTFT, Duration: r.Duration, Overhead: r.Overhead, BytesIn: r.BytesIn, BytesOut: r.BytesOut,
		Attempts: make([]attemptAnswer, len(r.Attempts)), Shut: r.Shut,
	}
	for i, at := range r.Attempts {
		shown.Attempts[i] = attemptAnswer{at.Endpoint, at.Why, at.Start, at.Duration, at.Status, at.Outcome, at.Detail, at.After}
	}
	return shown
}

func showLine(l *fairlead.FoundLine) lineAnswer {
	return lineAnswer{
		Kind: l.Kind, At: micros(l.At), Key: l.Key, Account: l.Account, Team: l.Team, Model: l.Model, Prompt: l.Prompt, MaxOutput: l.MaxOutput, Endpoint: l.Endpoint,
		usageAnswer: usageAnswer{
			l.Input, l.CacheRead, l.CacheWrite, l.Output, l.Reasoning, l.AudioInput, l.AudioOutput, l.ImageInput, l.Images, l.Estimated, l.NormalPrompt, l.NormalOutput,
		},
		Cost: dollars(l.Cost), Status: l.Status, Code: l.Code, Attempts: l.Attempts, Frame: l.Frame,
	}
}

func micros(n int64) time.Time { return time.UnixMicro(n).UTC() }

func dollars(c *fairlead.USD) *string {
	if c == nil {
		return nil
	}
	s := c.String()
	return &s
}

// listRecords lists the records of a time, which is bounded, and so is the time that the store may look for them.
func (c *Control) listRecords(a *ask) (any, error) {
	f, err := c.recordFilter(a)
	if err != nil {
		return nil, err
	}
	most := f.Limit
	f.Limit = min(most+1, fairlead.MaxRecords)
	answer := recordsAnswer{Data: []recordAnswer{}, From: f.From.UTC(), Until: f.Until.UTC()}
	list, err := c.Store.Records(a.Context(), f)
	if err != nil {
		return nil, err
	}
	if len(list) > most || len(list) == fairlead.MaxRecords {
		list = list[:min(most, len(list))]
		answer.Next = cursor(&list[len(list)-1])
	}
	for i := range list {
		answer.Data = append(answer.Data, showRecord(&list[i]))
	}
	if f.Before == nil {
		ctx, cancel := context.WithTimeout(a.Context(), countTime)
		defer cancel()
		if n, err := c.Store.RecordCounts(ctx, f.From, f.Until, f.Node); err == nil {
			answer.Counts = &countsAnswer{n.Seen, n.Kept, n.LeftOut, n.Dropped}
		}
	}
	return answer, nil
}

// getRecord gives what is known of an exchange.
func (c *Control) getRecord(a *ask) (any, error) {
	id := a.PathValue("id")
	at, tag, ok := fairlead.ParseID(id)
	if !ok {
		return nil, &fairlead.Error{
			Code: fairlead.CodeInvalidRequest, Param: "id", Message: "an exchange's id is req_ and 25 letters and digits, as in the header x-request-id",
			Hint: "fairlead records lists exchanges with their ids",
		}
	}
	answer := exchangeAnswer{ID: id, Began: at, Lines: []lineAnswer{}}
	revision := int64(0)
	r, err := c.Store.Record(a.Context(), id)
	switch {
	case err == nil:
		shown := showRecord(&r)
		answer.Record, answer.Node, revision = &shown, r.Node, r.Revision
	case !notFound(err):
		return nil, err
	}
	lines, err := c.Store.ChargeLines(a.Context(), id)
	if err != nil && !notFound(err) {
		return nil, err
	}
	for i := range lines {
		answer.Lines = append(answer.Lines, showLine(&lines[i]))
		answer.Node, revision = lines[i].Frame.Node, max(revision, lines[i].Revision)
	}
	if answer.Node == "" {
		if answer.Node, err = c.nodeOf(a.Context(), tag); err != nil {
			return nil, err
		}
	}
	if answer.Record == nil && len(lines) == 0 {
		return nil, nothingOf(&answer)
	}
	answer.Revision = c.revisionOf(a.Context(), revision)
	return answer, nil
}

func notFound(err error) bool {
	var e *fairlead.Error
	return errors.As(err, &e) && e.Code == fairlead.CodeNotFound
}

// nothingOf says where an exchange of which nothing is here began.
func nothingOf(x *exchangeAnswer) error {
	where := "a node that is not known here"
	if x.Node != "" {
		where = "node " + x.Node
	}
	return &fairlead.Error{
		Code:    fairlead.CodeNotFound,
		Message: "nothing is known of this exchange: by its id it began " + x.Began.Format(time.RFC3339Nano) + " on " + where,
		Hint:    "what it left may wait on its node, or is gone by now; one that was refused at the door, or was ordinary, need not have a record",
	}
}

// nodeOf finds the node with a tag; "" where none is known to have it, or more than one.
func (c *Control) nodeOf(ctx context.Context, tag fairlead.Tag) (string, error) {
	regions, err := c.regions(ctx)
	if err != nil {
		return "", err
	}
	found := ""
	for name := range regions {
		if fairlead.TagOf(name) == tag {
			if found != "" {
				return "", nil
			}
			found = name
		}
	}
	return found, nil
}

// revisionOf says who made a revision and why, as far as that is known.
func (c *Control) revisionOf(ctx context.Context, n int64) *entryAnswer {
	if n <= 0 {
		return nil
	}
	r, err := c.Store.Revision(ctx, n)
	if err != nil {
		return &entryAnswer{Number: n}
	}
	return &entryAnswer{n, r.At, r.By, r.Why, r.Origin}
}

// cursor tells where a page ends.
func cursor(r *fairlead.StoredRecord) string { return strconv.FormatInt(r.At, 10) + "_" + r.ID }
