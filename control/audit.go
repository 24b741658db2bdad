package control

import (
	"strings"

	"fairlead"
)

// maxScan bounds how many entries one answer looks through for those that are asked for.
const maxScan = 20_000

var auditParams = []param{
	before, limit,
	{name: "action", text: "Only acts of this kind; config means config.apply and all others of its kind"},
	{name: "by", text: "Only acts of this one"},
	{name: "since", text: "Only acts from this time on, such as 2026-01-02T15:04:05Z"},
}

type auditAnswer struct {
	Data []fairlead.AuditEntry `json:"data"`
	Next int64                 `json:"next,omitempty"` // what to list before for the rest
}

// verifyAnswer is what going through log and audit has found.
type verifyAnswer struct {
	OK        bool              `json:"ok"`
	Position  fairlead.Position `json:"position"`
	Changes   int64             `json:"changes"`
	Revisions int64             `json:"revisions"`
	Entries   int64             `json:"entries"`
	Faults    []string          `json:"faults"`
}

// listAudit lists what somebody did. A filter may leave little of what is looked through at once, so a page can
// be short, or empty, and still have a next one.
func (c *Control) listAudit(a *ask) (any, error) {
	most, err := a.number("limit", pageSize, pageSize)
	if err != nil {
		return nil, err
	}
	from, err := a.number("before", 0, maxNumber)
	if err != nil {
		return nil, err
	}
	since, err := a.time("since")
	if err != nil {
		return nil, err
	}
	answer := auditAnswer{Data: []fairlead.AuditEntry{}}
	for scanned := 0; ; {
		page, err := c.Store.Audit(a.Context(), from, pageSize)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			if e.At.Before(since) {
				return answer, nil
			}
			from = e.Number
			if matches(e.Action, a.query["action"]) && (a.query["by"] == "" || e.By == a.query["by"]) {
				answer.Data = append(answer.Data, e)
			}
			if scanned++; (len(answer.Data) == int(most) || scanned == maxScan) && from > 1 {
				answer.Next = from
				return answer, nil
			}
		}
		if len(page) < pageSize {
			return answer, nil
		}
	}
}

// matches reports whether an action is the one asked for, or one of that kind.
func matches(action, asked string) bool {
	return asked == "" || action == asked || strings.HasPrefix(action, asked+".")
}

func (c *Control) verifyAudit(a *ask) (any, error) {
	v, err := c.Store.Verify(a.Context())
	if err != nil {
		return nil, err
	}
	return verifyAnswer{
		OK: len(v.Faults) == 0, Position: v.Position, Changes: v.Changes, Revisions: v.Revisions, Entries: v.Entries,
		Faults: append([]string{}, v.Faults...),
	}, nil
}

// maxWhy bounds a reason, in bytes.
const maxWhy = 1000

// validWhy says why a reason cannot stand in a revision.
func validWhy(why string) error {
	if len(why) > maxWhy || fairlead.Unseen(why) {
		return named("why", fairlead.Errorf(fairlead.CodeInvalidRequest, "the reason has at most 1000 bytes, and only characters that can be seen"))
	}
	return nil
}
