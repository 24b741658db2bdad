package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/jsonscan"
	"fairlead/upstream/failure"
	"fairlead/upstream/transport"
)

const (
	maxWhole  = 8 << 20  // of an unstreamed answer that is read before its commit
	firstRead = 16 << 10 // memory to begin with, and the most that is kept for another answer
)

// Answer is what a walk committed to. Either Stream is set, or Body, which is whole unless Rest is set.
// Bodies and streams are in the caller's dialect.
type Answer struct {
	Step       fairlead.Step
	At         time.Time // of the commit
	Status     int
	Translated bool
	Stream     *Stream
	Body       []byte
	Rest       io.Reader // what follows Body of an answer too large to hold
	Length     int64     // of Body and Rest together; -1 = unknown
	Seen       dialect.Inspection

	reply  transport.Reply
	cancel context.CancelFunc                          // once the reply is closed; nil = nothing
	read   func(jsonscan.Value) (fairlead.Usage, bool) // a usage member, in the provider's dialect
}

var usageName = []byte(`"usage"`)

// SeeTail reads the usage at the end of an answer that was too large to hold, where it stands behind
// everything else.
func (a *Answer) SeeTail(tail []byte) {
	from := bytes.LastIndex(tail, usageName)
	if from < 0 {
		return
	}
	var top jsonscan.Object
	if top.Scan(append([]byte{'{'}, tail[from:]...)) != nil {
		return
	}
	if v, ok := top.Get("usage"); ok {
		a.Seen.Usage, a.Seen.HasUsage = a.read(v)
	}
}

// Close gives the connection back or closes it.
func (a *Answer) Close() {
	_ = a.reply.Close() // what the caller was sent does not depend on it
	if a.cancel != nil {
		a.cancel()
	}
}

// whole reads an unstreamed answer, so that truncation, an error inside a success and an empty answer
// are still replaceable. One that is too large to hold is committed at its bound.
func (a *attempt) whole(silence time.Time) (*Answer, *setback) {
	begin := a.from()
	if a.part == nil {
		a.part = a.mem.room[:0]
	}
	a.reply.SetDeadline(earliest(silence, a.until))
	body, ended, err := readUpTo(a.reply, a.part, sizeHint(a.head))
	now := a.waitedSince(begin)
	if cap(body) > cap(a.mem.room) {
		a.mem.room = body[:0]
	}
	if err != nil && isTimeout(err) {
		a.part, a.since = body, time.Time{}
		if !passed(a.until, now) {
			return nil, silent
		}
	}
	if err != nil {
		return nil, a.inBand(err, nil)
	}
	answer := &a.given
	*answer = Answer{
		Step: a.step, Status: a.head.Status, Translated: a.translated(), Body: body, Length: int64(len(body)),
		reply: a.reply, cancel: a.cancel,
	}
	if !ended {
		return a.tooLarge(answer)
	}
	if answer.Translated {
		return a.translate(answer)
	}
	seen, err := a.to.Inspect(a.walk.Ask.Op, body, &a.mem.scratch)
	if err != nil {
		return nil, a.inBand(err, answer.Body)
	}
	answer.Seen = seen
	return answer, nil
}

func (a *attempt) translate(answer *Answer) (*Answer, *setback) {
	read, err := a.to.ReadAnswer(answer.Body)
	if err != nil {
		return nil, a.inBand(err, answer.Body)
	}
	seen := dialect.Inspection{Usage: read.Usage, HasUsage: read.HasUsage, Silent: len(read.Parts) == 0 && read.Finish != dialect.FinishLength}
	seen.Empty = seen.Silent && read.Finish == dialect.FinishStop
	for i := range read.Parts {
		seen.Bytes += len(read.Parts[i].Text) + len(read.Parts[i].Input)
	}
	if read.Created == 0 {
		read.Created = a.walk.Encode.Created
	}
	answer.Seen = seen
	answer.Body = a.walk.Ask.Caller.WriteAnswer(read)
	answer.Length = int64(len(answer.Body))
	return answer, nil
}

// unlessEmpty refuses an answer that says nothing while another endpoint is asked, or there is one to ask. It
// says nothing of the endpoint's health, for the caller's own request may leave nothing to say.
func (w *Walk) unlessEmpty(a *attempt, answer *Answer) *setback {
	if answer.Seen.Empty && (w.pair.count() > 1 || w.standby(time.Now())) {
		return a.misread("empty answer", failure.BreakEmpty)
	}
	return nil
}

// tooLarge commits an answer of the caller's dialect with the rest to follow; one that would have to
// be translated cannot be held.
func (a *attempt) tooLarge(answer *Answer) (*Answer, *setback) {
	if answer.Translated {
		return nil, &setback{
			outcome: fairlead.OutcomeMalformed, status: answer.Status, detail: "answer too large",
			final: &fairlead.Error{Code: fairlead.CodeAnswerTooLarge, Message: "the provider's answer is larger than can be translated", Final: true},
		}
	}
	answer.Rest, answer.Length, answer.read = a.reply, -1, a.to.ReadUsage
	if a.head.Length > 0 {
		answer.Length = a.head.Length
	}
	a.reply.SetDeadline(a.total)
	return answer, nil
}

// sizeHint bounds how much is read; a stated length spares growing.
func sizeHint(head *transport.Head) int {
	if n := head.Length; n >= 0 && n < maxWhole {
		return int(n) + 1
	}
	return maxWhole
}

// readUpTo reads on behind what is in part until the end or until limit bytes are there; ended says which
// it was. Memory grows from part's with what arrives, not with what is promised.
func readUpTo(r io.Reader, part []byte, limit int) (body []byte, ended bool, err error) {
	if first := min(limit, firstRead); cap(part) < first {
		part = append(make([]byte, 0, first), part...)
	}
	body = part[:len(part):min(limit, cap(part))]
	for {
		if len(body) == limit {
			return body, false, nil
		}
		if len(body) == cap(body) {
			grown := make([]byte, len(body), min(limit, 2*cap(body)))
			copy(grown, body)
			body = grown
		}
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return body, true, nil
		}
		if err != nil {
			return body, false, err
		}
	}
}

func asFault(err error) (*dialect.Fault, bool) {
	var f *dialect.Fault
	ok := errors.As(err, &f)
	return f, ok
}
