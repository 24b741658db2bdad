package control

import (
	"cmp"
	"errors"
	"net/http"
	"time"

	"fairlead"
)

var ledgerParams = []param{before, limit}

type balanceAnswer struct {
	Account string `json:"account"`
	Balance string `json:"balance_usd"`
}

// postingAnswer is a posting as an account sees it.
type postingAnswer struct {
	ID        int64                `json:"id"`
	At        time.Time            `json:"at"`
	Kind      fairlead.PostingKind `json:"kind"`
	Amount    string               `json:"amount_usd"`              // what it added to the balance, below 0 where it took from it
	Shortfall string               `json:"shortfall_usd,omitempty"` // of a charge: what the balance did not cover, which the operator bears
	Reference string               `json:"reference,omitempty"`     // of a charge: its frame
	Why       string               `json:"why,omitempty"`
	By        string               `json:"by,omitempty"`
}

type postingsAnswer struct {
	Data []postingAnswer `json:"data"`
	Next int64           `json:"next,omitempty"` // what to list before for the rest
}

type grantBody struct {
	Amount    string `json:"amount"`              // USD, as a decimal string
	Kind      string `json:"kind,omitempty"`      // grant, which is where it is left out, or topup: it was paid for
	Reference string `json:"reference,omitempty"` // makes it once, however often it is asked for
	Why       string `json:"why,omitempty"`
}

type grantAnswer struct {
	postingAnswer
	Balance string `json:"balance_usd"`
	Again   bool   `json:"again,omitempty"` // it was there before, and nothing was done
}

// ledgerAnswer is what an audit of the ledger has found.
type ledgerAnswer struct {
	OK bool `json:"ok"`
	fairlead.LedgerCheck
}

func showPosting(p *fairlead.Posting) postingAnswer {
	a := postingAnswer{
		ID: p.ID, At: p.At, Kind: p.Kind, Amount: p.Of(p.Account).String(), Reference: p.Reference, Why: p.Why, By: p.By,
	}
	if short := p.Of(fairlead.BookShortfall); short != 0 {
		a.Shortfall = (-short).String()
	}
	return a
}

// account gives the account that a path names and its balance: 0 where nothing was posted to it.
func (c *Control) account(a *ask) (id string, balance fairlead.USD, err error) {
	id = a.PathValue("id")
	if _, err = c.Store.Account(a.Context(), id); err != nil {
		return id, 0, err
	}
	balance, err = c.Store.Balance(a.Context(), id)
	if e, ok := errors.AsType[*fairlead.Error](err); ok && e.Code == fairlead.CodeNotFound {
		err = nil
	}
	return id, balance, err
}

func (c *Control) getBalance(a *ask) (any, error) {
	id, balance, err := c.account(a)
	return balanceAnswer{id, balance.String()}, err
}

func (c *Control) listPostings(a *ask) (any, error) {
	id, _, err := c.account(a)
	if err != nil {
		return nil, err
	}
	most, err := a.number("limit", pageSize, pageSize)
	if err != nil {
		return nil, err
	}
	from, err := a.number("before", 0, maxNumber)
	if err != nil {
		return nil, err
	}
	list, err := c.Store.Postings(a.Context(), id, from, int(most))
	if err != nil {
		return nil, err
	}
	answer := postingsAnswer{Data: make([]postingAnswer, 0, len(list))}
	for i := range list {
		answer.Data = append(answer.Data, showPosting(&list[i]))
	}
	if len(list) == int(most) && list[most-1].ID > 1 {
		answer.Next = list[most-1].ID
	}
	return answer, nil
}

// grant adds credit to an account. Whoever asks again with the same reference is told of the first time.
func (c *Control) grant(a *ask) (any, error) {
	var body grantBody
	if err := readBody(a.Request, &body); err != nil {
		return nil, err
	}
	amount, err := fairlead.ParseUSD(body.Amount)
	if err != nil || amount == 0 {
		return nil, named("amount", fairlead.Errorf(fairlead.CodeInvalidRequest, `amount is USD as a decimal string above 0, such as "25.00", a million at most`))
	}
	if err := validWhy(body.Why); err != nil {
		return nil, err
	}
	m := fairlead.Move{Kind: fairlead.PostingKind(cmp.Or(body.Kind, string(fairlead.PostGrant))), Account: a.PathValue("id"), Amount: amount, Reference: body.Reference}
	if m.Kind != fairlead.PostGrant && m.Kind != fairlead.PostTopUp {
		return nil, named("kind", fairlead.Errorf(fairlead.CodeInvalidRequest, "kind is grant or topup"))
	}
	if _, err := c.Store.Account(a.Context(), m.Account); err != nil {
		return nil, err
	}
	act := a.act(c.Now(), "", "")
	act.Why = cmp.Or(act.Why, body.Why)
	ctx, cancel := detach(a.Context())
	defer cancel()
	posting, fresh, err := c.Store.Post(ctx, m, act)
	if err != nil {
		return nil, err
	}
	balance, err := c.Store.Balance(ctx, m.Account)
	if err != nil {
		return nil, err
	}
	c.Log.InfoContext(ctx, "credit granted", "account", m.Account, "kind", string(m.Kind), "usd", amount.String(), "again", !fresh, "by", a.who.name)
	return grantAnswer{showPosting(&posting), balance.String(), !fresh}, nil
}

func (c *Control) auditLedger(a *ask) (any, error) {
	found, err := c.Store.AuditLedger(a.Context())
	if err != nil {
		return nil, err
	}
	return ledgerAnswer{len(found.Faults) == 0, found}, nil
}

// creditRoutes are those about money and usage.
func creditRoutes() []route {
	return []route{
		{method: http.MethodGet, path: v1 + "accounts/{id}/balance", level: fairlead.LevelViewer, handle: (*Control).getBalance, id: "getBalance", summary: "What credit an account has", answer: balanceAnswer{}},
		{method: http.MethodGet, path: v1 + "accounts/{id}/ledger", level: fairlead.LevelViewer, handle: (*Control).listPostings, id: "listPostings", summary: "What was posted to an account, the newest first", query: ledgerParams, answer: postingsAnswer{}, search: true},
		{method: http.MethodPost, path: v1 + "accounts/{id}/grants", level: fairlead.LevelAdmin, handle: (*Control).grant, id: "grantCredit", summary: "Add credit to an account", query: []param{why}, body: grantBody{}, answer: grantAnswer{}},
		{method: http.MethodGet, path: v1 + "usage", level: fairlead.LevelViewer, handle: (*Control).getUsage, id: "getUsage", summary: "What exchanges used and cost in a time", query: usageParams, answer: usageSumsAnswer{}, search: true},
		{method: http.MethodGet, path: v1 + "audit/ledger", level: fairlead.LevelViewer, handle: (*Control).auditLedger, id: "auditLedger", summary: "Make the ledger and all usage again from the charge lines and compare", answer: ledgerAnswer{}, walk: true},
	}
}
