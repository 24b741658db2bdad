package fairlead

import "time"

// PoolID names money that is lent to edges: the balance of an account, or what is left of a budget in one of its windows.
type PoolID struct {
	Of     string `json:"of"`               // the account, the team or the key, by id
	Per    Period `json:"per,omitempty"`    // of the budget; none = the account's balance
	Window string `json:"window,omitempty"` // of the budget (Budget.Window)
}

// Pools tells which money an exchange pays from, as bits: its account's balance, and each budget of its account, team and key that
// there was when it entered. The charge line carries it, so that who reads lines counts each charge where it was held.
type Pools uint16

// The pools that an exchange can pay from.
const (
	FromBalance Pools = 1 << iota
	FromAccountDay
	FromAccountMonth
	FromAccountEver
	FromTeamDay
	FromTeamMonth
	FromTeamEver
	FromKeyDay
	FromKeyMonth
	FromKeyEver
	allPools = 1<<iota - 1
)

// MostPools is how many pools an exchange pays from, at most.
const MostPools = 10

// budgetPeriods are the periods of budgets in the order of their bits.
var budgetPeriods = [...]Period{PerDay, PerMonth, PerEver}

// With adds the bits of budgets; first is the bit of the day: FromAccountDay, FromTeamDay or FromKeyDay.
func (p Pools) With(first Pools, budgets []Budget) Pools {
	for i := range budgets {
		for n, per := range budgetPeriods {
			if budgets[i].Per == per {
				p |= first << n
			}
		}
	}
	return p
}

// Payer says who pays for an exchange, and from which pools: all that decides whose money it takes.
type Payer struct {
	Account string
	Team    string
	Key     string
	Pools   Pools
	Day     int32 // in which the exchange entered: days since 1970, in UTC
}

// EnteredOn is the day of a time: days since 1970, in UTC.
func EnteredOn(at time.Time) int32 {
	const day = 24 * 60 * 60
	seconds := at.Unix()
	return int32((seconds - ((seconds%day)+day)%day) / day)
}

// Append appends the pools of a payer. Of a bit whose account, team or key it does not name there is none.
func (p Payer) Append(list []PoolID) []PoolID {
	if p.Pools&FromBalance != 0 && p.Account != "" {
		list = append(list, PoolID{Of: p.Account})
	}
	if p.Pools&^FromBalance&allPools == 0 {
		return list
	}
	at := time.Unix(int64(p.Day)*24*60*60, 0)
	bit := FromAccountDay
	for _, of := range [...]string{p.Account, p.Team, p.Key} {
		for _, per := range budgetPeriods {
			if p.Pools&bit != 0 && of != "" {
				list = append(list, PoolID{Of: of, Per: per, Window: (&Budget{Per: per}).Window(at)})
			}
			bit <<= 1
		}
	}
	return list
}

// Payer says who pays for a charge line: by the time that its exchange's id spells, not that of the line. It is not ok for what
// pays from nothing, and for an id that is none.
func (l *ChargeLine) Payer() (p Payer, ok bool) {
	at, _, ok := ParseID(l.ID)
	if !ok || l.Pools == 0 {
		return Payer{}, false
	}
	return Payer{Account: l.Account, Team: l.Team, Key: l.Key, Pools: l.Pools, Day: EnteredOn(at)}, true
}

// LeaseAsk asks control for money of all pools that an exchange pays from, together; or gives money back; or, without levels, asks
// how all leases of its incarnation stand.
type LeaseAsk struct {
	Incarnation string     `json:"incarnation"` // of the edge's spool
	Number      int64      `json:"number"`      // the edge's own, each greater than the one before; the answer repeats it
	Levels      []LevelAsk `json:"levels"`      // each pool once
}

// LevelAsk is what an edge says of its lease of one pool: running totals since its spool's incarnation began, in nano-dollars. So
// an ask that is lost, comes again or comes late changes nothing twice.
type LevelAsk struct {
	Pool    PoolID `json:"pool"`
	Era     int64  `json:"era,omitempty"`     // as of the grant that it knows; 0 = it knows none
	Version int64  `json:"version,omitempty"` // likewise
	Granted USD    `json:"granted,omitempty"` // likewise
	Spent   USD    `json:"spent,omitempty"`   // the charges that it wrote into its spool
	Need    USD    `json:"need,omitempty"`    // the total that it cannot do without; where one pool has less, none gives anything
	Want    USD    `json:"want,omitempty"`    // the total that it would like
	// Back says that it gives back what it has beyond Want, which it holds to already.
	Back bool `json:"back,omitempty"`
}

// LeaseGrant answers a LeaseAsk: how each lease stands now, whether it changed or not.
type LeaseGrant struct {
	Number int64        `json:"number"` // of the ask
	Levels []LevelGrant `json:"levels"`
	// Short names the pool that has less than the ask needs; nil = none does.
	Short *PoolID `json:"short,omitempty"`
	// Missing is by how much, at least, the ask needs more than the pool that has least for it.
	Missing USD `json:"missing,omitempty"`
}

// LevelGrant is an edge's lease of one pool as control has it. A later one has a greater era, or the same one and a greater version.
type LevelGrant struct {
	Pool    PoolID `json:"pool"`
	Number  int64  `json:"number"`            // of the last ask that could change the lease: the edge's next one is greater
	Late    bool   `json:"late,omitempty"`    // the ask's number is not above those before: it is to be asked again
	Era     int64  `json:"era"`               // of the pool: all leases of an earlier one are void
	Version int64  `json:"version"`           // of the lease: counts its changes
	Granted USD    `json:"granted"`           // in total
	Settled USD    `json:"settled,omitempty"` // charges of the edge's frames, in total
	Tight   bool   `json:"tight,omitempty"`   // the pool is near its end: what is not held is wanted back
	Ended   bool   `json:"ended,omitempty"`   // the edge was forgotten: its spool needs a new incarnation
}

// After reports whether a grant is later than what is known of a lease.
func (g *LevelGrant) After(era, version int64) bool {
	return g.Era > era || (g.Era == era && g.Version > version)
}
