package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"

	"fairlead"
)

// Posting is a movement of money as its account sees it. Amounts are USD, as decimal strings.
type Posting struct {
	ID        int64                `json:"id"`
	At        time.Time            `json:"at"`
	Kind      fairlead.PostingKind `json:"kind"`
	Amount    string               `json:"amount_usd"`              // what it added to the balance, below 0 where it took from it
	Shortfall string               `json:"shortfall_usd,omitempty"` // of a charge: what the balance did not cover
	Reference string               `json:"reference,omitempty"`
	Why       string               `json:"why,omitempty"`
	By        string               `json:"by,omitempty"`
}

// Grant is credit for an account.
type Grant struct {
	Amount    string `json:"amount"`              // USD, as a decimal string
	Kind      string `json:"kind,omitempty"`      // grant or topup; "" = grant
	Reference string `json:"reference,omitempty"` // makes it once, however often it is asked for
	Why       string `json:"why,omitempty"`
}

// Granted is what became of a grant.
type Granted struct {
	Posting
	Balance string `json:"balance_usd"`
	Again   bool   `json:"again,omitempty"` // it was there before
}

// GrantCredit adds credit to an account.
func (c *Client) GrantCredit(ctx context.Context, account string, g Grant) (Granted, error) {
	var done Granted
	err := c.call(ctx, http.MethodPost, []string{"accounts", account, "grants"}, nil, g, &done)
	return done, err
}

// Balance is what credit an account has, in USD.
type Balance struct {
	Account string `json:"account"`
	Balance string `json:"balance_usd"`
}

// Balance gives an account's balance.
func (c *Client) Balance(ctx context.Context, account string) (Balance, error) {
	var b Balance
	err := c.get(ctx, nil, &b, "accounts", account, "balance")
	return b, err
}

// Ledger goes through what was posted to an account, the newest first.
func (c *Client) Ledger(ctx context.Context, account string) iter.Seq2[Posting, error] {
	return pages[Posting](ctx, c, "before", nil, "accounts", account, "ledger")
}

// UsageFilter says what is added up; the zero one means the last day, by time.
type UsageFilter struct {
	By          string // time, model, key, provider or account
	From, Until time.Time
	Account     string
}

// UsageGroup is what the exchanges of one name add up to, in tokens and USD.
type UsageGroup struct {
	Name       string `json:"name"`
	Exchanges  int64  `json:"exchanges"`
	Failures   int64  `json:"failures"`
	Estimated  int64  `json:"estimated"`
	Input      int64  `json:"input"`
	CacheRead  int64  `json:"cache_read"`
	CacheWrite int64  `json:"cache_write"`
	Output     int64  `json:"output"`
	Reasoning  int64  `json:"reasoning"`
	Cost       string `json:"cost_usd"`
	Charge     string `json:"charge_usd"`
}

// Usage is what exchanges of a time add up to.
type Usage struct {
	By    string       `json:"by"`
	From  time.Time    `json:"from"`
	Until time.Time    `json:"until"`
	Data  []UsageGroup `json:"data"`
}

// Usage adds up the exchanges of a time.
func (c *Client) Usage(ctx context.Context, f UsageFilter) (Usage, error) {
	query := url.Values{}
	for name, value := range map[string]string{"by": f.By, "account": f.Account} {
		if value != "" {
			query.Set(name, value)
		}
	}
	for name, at := range map[string]time.Time{"from": f.From, "until": f.Until} {
		if !at.IsZero() {
			query.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	var u Usage
	err := c.get(ctx, query, &u, "usage")
	return u, err
}

// LedgerCheck is what an audit of the ledger found.
type LedgerCheck struct {
	OK bool `json:"ok"` // there is no fault
	fairlead.LedgerCheck
}

// AuditLedger has the control plane make the ledger and all usage again from the charge lines, and compare.
func (c *Client) AuditLedger(ctx context.Context) (LedgerCheck, error) {
	var v LedgerCheck
	err := c.get(ctx, nil, &v, "audit", "ledger")
	return v, err
}
