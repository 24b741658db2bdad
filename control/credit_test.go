package control_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fairlead"
)

// take keeps a frame of charges: three of acc_1's exchanges and one of nobody's, that began at a time.
func (p *plane) take(t *testing.T, sequence int64, at time.Time) {
	t.Helper()
	f := fairlead.Frame{Node: "edge-1", Incarnation: "inc_1", Sequence: sequence, At: at.Truncate(time.Microsecond), Count: 4}
	for i, account := range []string{"acc_1", "acc_1", "acc_1", ""} {
		f.Lines = fmt.Appendf(f.Lines, `{"kind":"charge","id":%q,"account":%q,"key":"key_%d","model":"a/b","endpoint":"a/b@one","input":7,"output":2,"cost":500000000,"charge":600000000}`+"\n",
			fairlead.NewExchangeID(fairlead.TagOf("edge-1"), at), account, i%2)
	}
	f.Hash = f.Sum()
	_, err := p.store.TakeFrames(t.Context(), []fairlead.Frame{f})
	check(t, err)
}

// TestCredit grants credit and has it charged.
func TestCredit(t *testing.T) {
	p := newPlane(t)
	const account = "/control/v1/accounts/acc_1/"
	p.json(t, "GET", account+"balance", "", 404)
	p.json(t, "GET", account+"ledger", "", 404)
	p.json(t, "POST", account+"grants", `{"amount":"1"}`, 404)
	_, err := p.store.CreateAccount(t.Context(), fairlead.Account{ID: "acc_1", Name: "acme", Created: time.Now()}, fairlead.Act{By: "admin", Action: "account.create", Target: "acc_1"})
	check(t, err)
	if a := p.json(t, "GET", account+"balance", "", 200); a["balance_usd"] != "0" {
		t.Errorf("before anything was posted: %v", a)
	}
	p.json(t, "GET", "/control/v1/accounts/operator:cash/balance", "", 404)
	grant := func(body string, status int) answer {
		t.Helper()
		return p.json(t, "POST", account+"grants", body, status)
	}
	a := grant(`{"amount":"1.50","reference":"r","why":"a gift"}`, 200)
	if a["id"] != 1.0 || a["amount_usd"] != "1.5" || a["balance_usd"] != "1.5" || a["again"] != nil || a["kind"] != "grant" || a["by"] != "admin" {
		t.Errorf("granted %v", a)
	}
	if a := grant(`{"amount":"1.5","reference":"r"}`, 200); a["id"] != 1.0 || a["again"] != true || a["balance_usd"] != "1.5" {
		t.Errorf("again %v", a)
	}
	grant(`{"amount":"1.6","reference":"r"}`, 409)
	for _, body := range []string{`{}`, `{"amount":"0"}`, `{"amount":"-1"}`, `{"amount":"1e3"}`, `{"amount":1}`, `{"amount":"1","kind":"charge"}`, `{"amount":"1","why":"a\u0007"}`, `{"amount":"1","reference":"a\u0007"}`, `{"amount":"2000000"}`} {
		grant(body, 400)
	}
	p.json(t, "POST", "/control/v1/accounts/operator:cash/grants", `{"amount":"1"}`, 404)
	operator, _ := p.token(t, "ops", "operator")
	p.json(t, "POST", account+"grants", `{"amount":"1"}`, 403, "Authorization", "Bearer "+operator)

	p.take(t, 1, time.Now())
	if a := p.json(t, "GET", account+"balance", "", 200); a["balance_usd"] != "0" || a["account"] != "acc_1" {
		t.Errorf("balance %v", a)
	}
	page := p.json(t, "GET", account+"ledger?limit=1", "", 200)
	charge := page["data"].([]any)[0].(map[string]any)
	if len(page["data"].([]any)) != 1 || page["next"] != 2.0 || charge["amount_usd"] != "-1.5" || charge["shortfall_usd"] != "0.3" || charge["reference"] != "edge-1/inc_1/1" {
		t.Errorf("page %v", page)
	}
	page = p.json(t, "GET", account+"ledger?before=2", "", 200)
	if first := page["data"].([]any)[0].(map[string]any); first["why"] != "a gift" || page["next"] != nil {
		t.Errorf("the rest %v", page)
	}
	if a := p.json(t, "GET", "/control/v1/audit/ledger", "", 200); a["ok"] != true || a["postings"] != 2.0 || a["lines"] != 4.0 || a["frames"] != 1.0 {
		t.Errorf("audited %v", a)
	}
	if text := p.json(t, "GET", "/control/v1/audit?action=credit", "", 200).text(); strings.Count(text, "credit.grant") != 1 || !strings.Contains(text, "1.5 USD: a gift") {
		t.Errorf("audit %s", text)
	}
}

// TestUsageOfTimes asks what exchanges used.
func TestUsageOfTimes(t *testing.T) {
	p := newPlane(t)
	at := time.Date(2026, 11, 1, 10, 20, 30, 0, time.UTC)
	p.take(t, 1, at)
	p.take(t, 2, at.Add(40*time.Minute))
	p.take(t, 3, at.Add(20*24*time.Hour))
	for _, c := range []struct{ query, want string }{
		{"from=2026-11-01T00:00:00Z&until=2026-11-02T00:00:00Z", "2026-11-01T10:00:00Z 4 2, 2026-11-01T11:00:00Z 4 2"},
		{"from=2026-11-01T00:00:00Z&until=2026-12-01T00:00:00Z", "2026-11-01T00:00:00Z 8 4, 2026-11-21T00:00:00Z 4 2"},
		{"from=2026-11-01T10:20:59Z&until=2026-11-01T10:21:00Z&by=model", "a/b 4 2"},
		{"from=2026-11-01T10:21:00Z&until=2026-11-01T10:30:00Z&by=model", ""},
		{"until=2026-11-02T00:00:00Z&by=provider", "one 8 4"},
		{"until=2026-11-02T00:00:00Z&by=account", "acc_1 6 3,  2 1"},
		{"until=2026-11-02T00:00:00Z&by=key&account=acc_1", "key_0 4 2, key_1 2 1"},
	} {
		var rows []string
		for _, g := range p.json(t, "GET", "/control/v1/usage?"+c.query, "", 200)["data"].([]any) {
			g := g.(map[string]any)
			rows = append(rows, fmt.Sprint(g["name"], " ", g["exchanges"], " ", g["cost_usd"]))
		}
		if got := strings.Join(rows, ", "); got != c.want {
			t.Errorf("%s: %s, want %s", c.query, got, c.want)
		}
	}
	for _, query := range []string{"by=colour", "from=yesterday", "from=2026-11-02T00:00:00Z&until=2026-11-01T00:00:00Z"} {
		p.json(t, "GET", "/control/v1/usage?"+query, "", 400)
	}
}
