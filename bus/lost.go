package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"fairlead"
)

const (
	// lostPage bounds the changes of a report: control keeps them in one transaction.
	lostPage = 500
	// lostLargest is the largest content that is reported; no document and no list of keys comes near it.
	lostLargest = valuesBytes
)

// The bodies of reports of lost changes, beside the frames.
type (
	askRemembers struct {
		Changes []remembered `json:"changes"`
	}
	remembered struct {
		Number int64         `json:"number"`
		Hash   fairlead.Hash `json:"hash"`
	}
	tellRemembers struct {
		From    string  `json:"from"`    // control node, to which large contents are sent
		Missing []int64 `json:"missing"` // numbers of those whose contents it wants
	}
	// tellTaken says how far a content was taken: what is sent goes on there, until it is kept.
	tellTaken struct {
		Have int64 `json:"have"`
		Kept bool  `json:"kept"`
	}
)

// reportLost tells control of the remembered changes that the other log has not. Where it cannot, the copy waits: the
// old log is the only evidence. All edges have the same to tell: each begins at a moment of its own, and brings what
// nobody has brought before.
func (f *follower) reportLost(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(f.b.o.Beat)):
	}
	all, err := f.lost(ctx)
	if err != nil {
		return err
	}
	for page := range slices.Chunk(all.changes, lostPage) {
		if err := f.tellLost(ctx, all.of(page)); err != nil {
			return fmt.Errorf("report what the other log has not: %w", err)
		}
	}
	return nil
}

// lost reads what is to be reported. A change can be, where the hash of the one before it is known: else nobody could hold it against
// its own.
func (f *follower) lost(ctx context.Context) (lostReport, error) {
	common, err := f.common(ctx, f.m.at.Number)
	if err != nil {
		return lostReport{}, fmt.Errorf("find the last change that both logs have: %w", err)
	}
	changes, err := f.replica.Since(ctx, common.Number)
	if err != nil {
		return lostReport{}, fmt.Errorf("read what the other log has not: %w", err)
	}
	if len(changes) > 0 {
		f.log.Error("the log is another one; changes that were in force here are not on it", "common", common.Number, "lost", len(changes))
	}
	r, last := lostReport{common: common, at: f.m.at.Number}, common
	for _, c := range changes {
		before := last
		last = fairlead.Position{Number: c.Number, Hash: c.Hash}
		if c.Kind == "" || c.Number != before.Number+1 {
			continue
		}
		l := lostChange{heard{Change: c}, before.Hash}
		if err := l.sound(); err != nil || len(c.Content) > lostLargest { // damaged here: it is no evidence, and must not keep the rest
			f.log.Error("a lost change cannot be reported", "change", c.Number, "bytes", len(c.Content), "error", err)
			continue
		}
		r.changes = append(r.changes, l)
	}
	return r, nil
}

// tellLost reports changes: which they are, and then what control misses of them.
func (f *follower) tellLost(ctx context.Context, r lostReport) error {
	list := r.changes
	var q askRemembers
	for i := range list {
		q.Changes = append(q.Changes, remembered{list[i].Number, list[i].Hash})
	}
	body, err := json.Marshal(q)
	if err != nil {
		return err
	}
	if body, err = f.b.Send(ctx, "remembers", body); err != nil {
		return err
	}
	var t tellRemembers
	if json.Unmarshal(body, &t) != nil || fairlead.ValidNodeName(t.From) != nil {
		return errFrame
	}
	list = slices.DeleteFunc(slices.Clone(list), func(l lostChange) bool { return !slices.Contains(t.Missing, l.Number) })
	for len(list) > 0 {
		if len(list[0].Content) > wholeLimit {
			if err := f.sendLarge(ctx, t.From, r.of(list[:1])); err != nil {
				return fmt.Errorf("send change %d: %w", list[0].Number, err)
			}
			list = list[1:]
			continue
		}
		page := lostWithin(list)
		if _, err := f.b.Send(ctx, "lost", encodeLost(r.of(page))); err != nil {
			return err
		}
		list = list[len(page):]
	}
	return nil
}

// lostWithin gives as many of the first changes, none of them large, as fit into a message.
func lostWithin(list []lostChange) []lostChange {
	size := 0
	for i := range list {
		size += 130 + len(list[i].By) + len(list[i].Content)
		if len(list[i].Content) > wholeLimit || (i > 0 && size > pageBytes) {
			return list[:i]
		}
	}
	return list
}

// sendLarge sends a change with a large content to a control node, piece by piece. Others send it at the same time: what one has
// brought another need not.
func (f *follower) sendLarge(ctx context.Context, to string, r lostReport) error {
	content := r.changes[0].Content
	size := int64(len(content))
	p := piece{Size: size}
	for range 3 * (size/wholeLimit + 2) { // again and again where control had to drop it
		p.Part = content[p.Offset:min(size, p.Offset+wholeLimit)]
		body, err := f.b.Send(ctx, "lost."+to, encodeLargeLost(r, &p))
		if err != nil {
			return err
		}
		var t tellTaken
		if json.Unmarshal(body, &t) != nil || t.Have < 0 || t.Have > size {
			return errFrame
		}
		if t.Kept {
			return nil
		}
		p.Offset = t.Have
	}
	return fairlead.Errorf(fairlead.CodeControlUnavailable, "the control plane cannot take a large change now")
}

// errUnread tells that this node's own replica could not be read.
var errUnread = errors.New("the replica cannot be read")

// common is the last remembered change up to a number that the other log has too, or the begin. What is remembered may have gaps.
func (f *follower) common(ctx context.Context, through int64) (best fairlead.Position, err error) {
	low, high := int64(0), min(through, f.m.at.Number) // up to low nothing more is to be found, and what is beyond high is not on both
	for mid := high; low < high; mid = low + (high-low+1)/2 {
		known, err := f.replica.Known(ctx, mid)
		if err != nil {
			return best, fmt.Errorf("%w: %w", errUnread, err)
		}
		if known.Number <= low {
			low = mid // what is between was forgotten, or never here
			continue
		}
		t, err := f.b.has(ctx, known.Number, known.Hash)
		switch {
		case err != nil:
			return best, err
		case t.Has:
			best, low = fairlead.Position{Number: known.Number, Hash: known.Hash}, mid
		default:
			high = known.Number - 1
		}
	}
	return best, nil
}
