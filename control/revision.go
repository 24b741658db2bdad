package control

import (
	"context"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"fairlead"
	"fairlead/compile"
)

type revisionsAnswer struct {
	Data []fairlead.Revision `json:"data"`
	Next int64               `json:"next,omitempty"` // what to list before for the rest
}

type revisionAnswer struct {
	fairlead.Revision
	Document jsontext.Value `json:"document"`
}

type diffAnswer struct {
	From    int64                `json:"from"`
	To      int64                `json:"to"`
	Diff    []compile.Difference `json:"diff"`                    // the first 1000
	LeftOut int                  `json:"diff_left_out,omitempty"` // of the diff, beyond those
}

// whyBody says why, where it is more than fits an address.
type whyBody struct {
	Why string `json:"why,omitempty"`
}

func (c *Control) listRevisions(a *ask) (any, error) {
	most, err := a.number("limit", pageSize, pageSize)
	if err != nil {
		return nil, err
	}
	from, err := a.number("before", 0, maxNumber)
	if err != nil {
		return nil, err
	}
	list, err := c.Store.Revisions(a.Context(), from, int(most)+1)
	if err != nil {
		return nil, err
	}
	answer := revisionsAnswer{Data: append([]fairlead.Revision{}, list...)}
	if len(list) > int(most) {
		answer.Data = answer.Data[:most]
		answer.Next = answer.Data[most-1].Number
	}
	return answer, nil
}

func (c *Control) getRevision(a *ask) (any, error) {
	n, err := a.revision("n")
	if err != nil {
		return nil, err
	}
	if a.query["format"] == "yaml" {
		return c.whole(a, func() (any, error) { return c.revisionText(a, n) })
	}
	r, err := c.Store.Revision(a.Context(), n)
	if err != nil {
		return nil, err
	}
	doc, err := c.Store.Document(a.Context(), n)
	if err != nil {
		return nil, err
	}
	a.w.Header().Set("ETag", `"`+number(n)+`"`)
	return revisionAnswer{r, doc}, nil
}

// revisionText gives a revision's document as YAML.
func (c *Control) revisionText(a *ask, n int64) (any, error) {
	doc, err := c.Store.Document(a.Context(), n)
	if err != nil {
		return nil, err
	}
	b, err := YAML(doc)
	if err == nil {
		a.w.Header().Set("ETag", `"`+number(n)+`"`)
	}
	return text{yamlType, b}, err
}

func (c *Control) diffRevisions(a *ask) (any, error) {
	from, err := a.revision("a")
	if err != nil {
		return nil, err
	}
	to, err := a.revision("b")
	if err != nil {
		return nil, err
	}
	return c.whole(a, func() (any, error) { return c.diff(a.Context(), from, to) })
}

func (c *Control) diff(ctx context.Context, from, to int64) (any, error) {
	answer := diffAnswer{From: from, To: to}
	var configs [2]*fairlead.Config
	for i, n := range []int64{from, to} {
		doc, err := c.Store.Document(ctx, n)
		if err != nil {
			return nil, err
		}
		if configs[i], err = readDocument(doc); err != nil {
			return nil, err
		}
	}
	answer.Diff, answer.LeftOut = firstOf(compile.Diff(configs[0], configs[1]))
	return answer, nil
}

// maxDiff bounds what an answer shows of a diff.
const maxDiff = 1000

// firstOf is as much of a diff as an answer shows, and how much more there is.
func firstOf(diff compile.Differences) (first []compile.Difference, leftOut int) {
	first = append([]compile.Difference{}, diff[:min(len(diff), maxDiff)]...)
	return first, len(diff) - len(first)
}

// rollback makes a revision with the document of an earlier one: of the one that the path names, else of the last
// one that held all traffic, was not undone, and fits this node. Nobody's write in between is undone with it: a rollback that finds the
// configuration at another revision than it began with is refused as stale.
func (c *Control) rollback(a *ask) (any, error) {
	var body whyBody
	if err := readOptional(a.Request, &body); err != nil {
		return nil, err
	}
	if err := validWhy(body.Why); err != nil {
		return nil, err
	}
	to := int64(0)
	if a.PathValue("n") != "" {
		n, err := a.revision("n")
		if err != nil {
			return nil, err
		}
		to = n
	}
	e := edit{act: a.act(c.Now(), "config.rollback", ""), origin: fairlead.OriginRollback, once: true, trial: true, level: a.who.level}
	if e.act.Why == "" {
		e.act.Why = body.Why
	}
	e.next = func(ctx context.Context, now *current) (draft, error) {
		target := to
		if target == 0 {
			var err error
			if target, err = c.config.earlier(ctx, now.Revision); err != nil {
				return draft{}, err
			}
		}
		doc, err := c.Store.Document(ctx, target)
		return draft{text: doc, restores: target, plain: true}, err
	}
	return c.writeConfig(a, e)
}

// earlier finds the revision to which a rollback goes that names none. A rollback stands for the revision that it restored, so
// that another one goes on backwards and what was undone stays so.
func (s *Config) earlier(ctx context.Context, n int64) (int64, error) {
	none := &fairlead.Error{Code: fairlead.CodeConflict, Message: "there is no earlier revision to go back to", Hint: "fairlead revisions lists all; fairlead rollback N goes to one by its number"}
	if n == 0 {
		return 0, none
	}
	now, err := s.Store.Revision(ctx, n)
	if err != nil {
		return 0, err
	}
	at, err := s.origin(ctx, now)
	for err == nil && at.Number > 1 {
		if at, err = s.Store.Revision(ctx, at.Number-1); err != nil {
			break
		}
		var whole bool
		if whole, err = s.heldAll(ctx, at); err != nil {
			break
		}
		if at, err = s.origin(ctx, at); err != nil || !whole || at.Sum == now.Sum {
			continue
		}
		var fits bool
		if fits, err = s.fits(ctx, at.Number); fits {
			return at.Number, nil
		}
	}
	if err != nil {
		return 0, err
	}
	return 0, none
}

// fits reports whether this node could go by a revision's document: one that it refused was never in force here.
func (s *Config) fits(ctx context.Context, n int64) (bool, error) {
	if s.Fits == nil {
		return true, nil
	}
	doc, err := s.Store.Document(ctx, n)
	if err != nil {
		return false, err
	}
	c, err := readDocument(doc)
	return err == nil && s.unfit(c) == nil, nil // one that cannot be read any more is passed over as well
}

// heldAll reports whether all exchanges went by a revision's document: it was not made for a trial's share, and no ramp's
// weight was laid over it.
func (s *Config) heldAll(ctx context.Context, r fairlead.Revision) (bool, error) {
	if r.Percent < 100 {
		return false, nil
	}
	change, err := s.Store.Change(ctx, r.Change)
	if err != nil {
		return false, err
	}
	var content struct {
		Weights map[string]int `json:"weights"`
	}
	if err := json.Unmarshal(change.Content, &content); err != nil {
		return false, err
	}
	return len(content.Weights) == 0, nil
}

// origin follows rollbacks to the revision whose document they restored.
func (s *Config) origin(ctx context.Context, r fairlead.Revision) (fairlead.Revision, error) {
	for r.Restores > 0 && r.Restores < r.Number {
		var err error
		if r, err = s.Store.Revision(ctx, r.Restores); err != nil {
			return r, err
		}
	}
	return r, nil
}

// revision reads the number of a revision in the path.
func (a *ask) revision(name string) (int64, error) {
	n, err := strconv.ParseInt(a.PathValue(name), 10, 64)
	if err == nil && number(n) != a.PathValue(name) {
		return 0, named(name, fairlead.Errorf(fairlead.CodeInvalidRequest, "a revision's number has digits alone, and no 0 before them"))
	}
	if err != nil || n < 1 || n > maxNumber {
		return 0, fairlead.Errorf(fairlead.CodeNotFound, "no revision has this number")
	}
	return n, nil
}

// number reads a number from 1 to most in the query, or gives another where there is none.
func (a *ask) number(name string, or, most int64) (int64, error) {
	s, ok := a.query[name]
	if !ok {
		return or, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 || n > most {
		return 0, named(name, fairlead.Errorf(fairlead.CodeInvalidRequest, name+" is a number from 1 to "+number(most)))
	}
	return n, nil
}
