package admit

import "fairlead"

// Totals are the charges of a spool's lines, by the pools that they were held in, in nano-dollars. Who removes lines of the running
// incarnation keeps their totals: leases count since it began.
type Totals map[fairlead.PoolID]fairlead.USD

// Add counts a line. What is no charge, charges nothing or pays from nothing counts nothing. A sum beyond the range of money, and a
// charge below 0, are fairlead.ErrMoneyRange and change nothing.
func (t Totals) Add(l *fairlead.ChargeLine) error {
	if l.Kind != fairlead.LineCharge || l.Charge == nil || *l.Charge == 0 {
		return nil
	}
	payer, ok := l.Payer()
	if !ok {
		return nil
	}
	var room [fairlead.MostPools]fairlead.PoolID
	pools := payer.Append(room[:0])
	for _, pool := range pools {
		if *l.Charge < 0 || t[pool] > mostUSD-*l.Charge {
			return fairlead.ErrMoneyRange
		}
	}
	for _, pool := range pools {
		t[pool] += *l.Charge
	}
	return nil
}

const mostUSD = fairlead.USD(1<<63 - 1)
