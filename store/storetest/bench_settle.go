package storetest

import (
	"fmt"
	"testing"
	"time"

	"fairlead"
	"fairlead/store"
)

// BenchSettle settles asks of 7 frames of 512 exchanges of 1 key for each of the accounts, and tells exchanges a second and rows an
// exchange: those that are inserted or changed. Without accounts nothing is charged.
func BenchSettle(b *testing.B, fresh func(b *testing.B) *store.Store) {
	for _, c := range []struct{ accounts, models int }{{0, 1}, {100, 1}, {10_000, 20}} {
		b.Run(fmt.Sprintf("%d-accounts-%d-models", c.accounts, c.models), func(b *testing.B) {
			s := fresh(b)
			for a := range c.accounts {
				if a < 100 { // the others pay nothing that they have
					post(b, s, fairlead.PostGrant, fmt.Sprintf("acc_%016d", a), 1_000_000_000_000, "")
				}
			}
			benchSettle(b, s, c.accounts, c.models)
		})
	}
}

func benchSettle(b *testing.B, s *store.Store, accounts, models int) {
	const frames, lines = 7, 512
	next, exchange := int64(0), 0
	for b.Loop() {
		b.StopTimer()
		var ask []fairlead.Frame
		for range frames {
			next++
			var text []string
			for range lines {
				exchange++
				text = append(text, benchLine(exchange, accounts, models))
			}
			ask = append(ask, frameFrom("edge-1", next, text...))
		}
		b.StartTimer()
		settle(b, s, ask...)
	}
	done := float64(b.N * frames * lines)
	b.ReportMetric(done/b.Elapsed().Seconds(), "exchanges/s")
	check, err := s.AuditLedger(b.Context())
	if err != nil || len(check.Faults) > 0 || check.Lines != int64(exchange) {
		b.Errorf("audited %+v, %v", check, err)
	}
}

// benchLine is the charge of the nth exchange, 20,000 of which begin within a second.
func benchLine(n, accounts, models int) string {
	at := start.Add(time.Duration(n) * time.Second / 20_000)
	account, key, charge := "", "key_0000000000000000", ""
	if accounts > 0 {
		a := n * 7919 % accounts
		account, key = fmt.Sprintf(`"account":"acc_%016d",`, a), fmt.Sprintf("key_%016d", a)
		charge = fmt.Sprintf(`"charge":%d,`, n%97*280+1)
	}
	model := fmt.Sprintf("openai/gpt-%d", n/97%models)
	return fmt.Sprintf(`{"kind":"charge","id":"%s","at":%d,"key":"%s",%s"model":"%s","revision":7,"endpoint":"%s@openai","input":%d,"output":%d,"cost":%d,%s"status":200,"attempts":1}`,
		fairlead.NewExchangeID(fairlead.TagOf("edge-1"), at), at.UnixMicro(), key, account, model, model, n%97, n%301, n%97*250, charge)
}
