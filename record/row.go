package record

import (
	"time"

	"fairlead"
)

const (
	// slowStart and slowOverhead are how long the first token, or fairlead itself, takes in an exchange whose record
	// is kept as a slow one.
	slowStart    = 10 * time.Second
	slowOverhead = 250 * time.Millisecond
)

// kept says why the record of an exchange is kept: as the sample of ordinary ones, unless it is none.
func kept(r *fairlead.Record) fairlead.Kept {
	if r.Code != "" {
		return fairlead.KeptFailure
	}
	for i := range r.Attempts {
		if o := r.Attempts[i].Outcome; o != fairlead.OutcomeOK && o != fairlead.OutcomeSuperseded {
			return fairlead.KeptFailure
		}
	}
	if r.TTFT >= slowStart || r.Overhead >= slowOverhead {
		return fairlead.KeptSlow
	}
	return fairlead.KeptSample
}

// appendRow appends a record as a fairlead.StoredRecord, with a newline.
func appendRow(b []byte, r *fairlead.Record, why fairlead.Kept) []byte {
	o := newObject(b)
	o.text("id", r.ID)
	o.number("at", r.Start.UnixMicro())
	o.text("kept", string(why))
	o.text("operation", r.Operation.String())
	o.text("dialect", string(r.Dialect))
	o.text("model", clip(r.Model))
	o.text("served", clip(r.Served))
	o.text("endpoint", r.Endpoint)
	o.text("key", r.KeyID)
	o.text("account", r.Account)
	o.text("team", r.Team)
	o.text("caller_id", r.CallerID)
	o.number("revision", r.Revision)
	if r.Tried {
		o.text("trial", r.Trial)
	}
	o.yes("stream", r.Stream)
	o.yes("translated", r.Translated)
	o.number("status", int64(r.Status))
	o.text("code", clip(string(r.Code)))
	if r.Err != nil {
		o.text("error", clip(r.Err.Error()))
	}
	o.usage(r)
	o.cost(r.Cost)
	o.number("ttft", r.TTFT.Microseconds())
	o.number("duration", r.Duration.Microseconds())
	o.number("overhead", r.Overhead.Microseconds())
	o.number("bytes_in", r.BytesIn)
	o.number("bytes_out", r.BytesOut)
	if len(r.Attempts) > 0 {
		o.name("attempts")
		o.b = appendAttempts(o.b, r.Attempts)
	}
	if len(r.Shut) > 0 {
		o.name("shut")
		o.b = appendTexts(o.b, r.Shut[:min(len(r.Shut), mostAttempts)])
	}
	return append(o.end(), '\n')
}

// mostAttempts bounds the attempts that a row tells of, and the endpoints that were shut.
const mostAttempts = 32

func appendAttempts(b []byte, list []fairlead.Attempt) []byte {
	b = append(b, '[')
	for i := range min(len(list), mostAttempts) {
		if i > 0 {
			b = append(b, ',')
		}
		a := &list[i]
		o := newObject(b)
		o.text("endpoint", a.Endpoint)
		o.number("start", a.Start.Microseconds())
		o.number("duration", a.Duration.Microseconds())
		o.number("status", int64(a.Status))
		o.text("outcome", string(a.Outcome))
		o.text("detail", clip(a.Detail))
		o.text("why", a.Why)
		o.yes("after", a.After)
		b = o.end()
	}
	return append(b, ']')
}
