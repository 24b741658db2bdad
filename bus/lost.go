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

// errUnsound tells of a change that is not what its hash says.
var errUnsound = errors.New("the change has another hash than its content")

// lostChange is a change with the hash of the one before it; zero = that is forgotten, but of the first change.
type lostChange struct {
	heard
	before fairlead.Hash
}

// sound holds the content against the hash, as far as that can be done.
func (l *lostChange) sound() error {
	known := l.Number == 1 || l.before != fairlead.Hash{}
	if l.large || len(l.Content) == 0 || (known && l.Chain(l.before) != l.Hash) {
		return fmt.Errorf("change %d: %w", l.Number, errUnsound)
	}
	return nil
}

// reportLost tells control of the remembered changes that the other log has not. Where it cannot, the copy waits: the
// old log is the only evidence. All edges have the same to tell: each begins at a moment of its own, and brings what
// nobody has brought before.
func (f *follower) reportLost(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(f.b.o.Beat)):
	}
	list, err := f.lost(ctx)
	if err != nil {
		return err
	}
	for page := range slices.Chunk(list, lostPage) {
		if err := f.tellLost(ctx, page); err != nil {
			return fmt.Errorf("report what the other log has not: %w", err)
		}
	}
	return nil
}

// lost reads what is to be reported.
func (f *follower) lost(ctx context.Context) ([]lostChange, error) {
	common, err := f.common(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the last change that both logs have: %w", err)
	}
	before, _, err := f.replica.HasHash(ctx, common)
	if err != nil {
		return nil, fmt.Errorf("read what the other log has not: %w", err)
	}
	changes, err := f.replica.Since(ctx, common)
	if err != nil {
		return nil, fmt.Errorf("read what the other log has not: %w", err)
	}
	if len(changes) > 0 {
		f.log.Error("the log is another one; changes that were in force here are not on it", "common", common, "lost", len(changes))
	}
	list, last := make([]lostChange, 0, len(changes)), common
	for _, c := range changes {
		if c.Number != last+1 {
			before = fairlead.Hash{}
		}
		l := lostChange{heard{Change: c}, before}
		last, before = c.Number, c.Hash
		if err := l.sound(); err != nil || len(c.Content) > lostLargest { // damaged here: it is no evidence, and must not keep the rest
			f.log.Error("a lost change cannot be reported", "change", c.Number, "bytes", len(c.Content), "error", err)
			continue
		}
		list = append(list, l)
	}
	return list, nil
}

// tellLost reports changes: which they are, and then what control misses of them.
func (f *follower) tellLost(ctx context.Context, list []lostChange) error {
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
			if err := f.sendLarge(ctx, t.From, &list[0]); err != nil {
				return fmt.Errorf("send change %d: %w", list[0].Number, err)
			}
			list = list[1:]
			continue
		}
		page := lostWithin(list)
		if _, err := f.b.Send(ctx, "lost", encodeLost(page)); err != nil {
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
func (f *follower) sendLarge(ctx context.Context, to string, l *lostChange) error {
	size := int64(len(l.Content))
	p := piece{Size: size}
	for range 3 * (size/wholeLimit + 2) { // again and again where control had to drop it
		p.Part = l.Content[p.Offset:min(size, p.Offset+wholeLimit)]
		body, err := f.b.Send(ctx, "lost."+to, encodeLargeLost(l, &p))
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

// common is the highest remembered change that the other log has too, or 0.
func (f *follower) common(ctx context.Context) (int64, error) {
	low, high := int64(0), f.m.at.Number // low is on both, or the beginning; what is beyond high is not
	for low < high {
		mid := low + (high-low+1)/2
		hash, remembered, err := f.replica.HasHash(ctx, mid)
		if err != nil {
			return 0, err
		}
		if !remembered {
			low = mid // forgotten: what comes after it is all that could be told
			continue
		}
		t, err := f.b.has(ctx, mid, hash)
		switch {
		case err != nil:
			return 0, err
		case t.Has:
			low = mid
		default:
			high = mid - 1
		}
	}
	return low, nil
}
