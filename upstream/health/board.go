package health

import (
	"crypto/sha256"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"fairlead"
)

const (
	unusedFor = int64(time.Hour) // until an entry is dropped
	sweepEach = int64(10 * time.Minute)
	mostWild  = 1024 // entries for models that callers name under wildcards
)

// Options are what a Board is made of.
type Options struct {
	Epoch time.Time // now, at the start
	Seed  uint64    // of all jitter
	Retry Terms     // of each endpoint's retry budget; zero = RetryTerms
	// Opened is told, if it has room, whenever a breaker opens; nil = nobody is.
	Opened chan<- struct{}
}

// Board is everything that is known of endpoints, by id, so that it outlives snapshots. It is safe for
// concurrent use. Views and the tickets of closed breakers take no lock.
type Board struct {
	since
	seed uint64
	wake chan<- struct{}

	mu        sync.Mutex // for making, dropping and judging; never held on a healthy exchange's way
	retry     Terms
	swept     int64
	wildSwept int64
	cramped   int64              // when no lane under a wildcard could make room
	snapshot  *fairlead.Snapshot // in force: it says which endpoints a model has
	providers map[string]*fairlead.Provider
	secrets   map[credentialKey][sha256.Size]byte
	revision  atomic.Int64
	trial     string                  // of the snapshot
	wilds     atomic.Int64            // lanes under wildcards
	models    map[modelEgress][]*seat // the lanes that judge each other
	opened    map[*seat]struct{}      // lanes that were shut when they were last looked at

	seats     table[Key, *seat]
	places    table[modelKey, *place]
	keys      table[credentialKey, *credential]
	coolings  table[coolingKey, *cooling]
	egresses  table[egressKey, *egress]
	wildCools table[coolingKey, *cooling]
	wildModel table[modelKey, *latch]
}

// Key names a lane: one endpoint by one credential from one egress.
type Key struct {
	Endpoint   string // id
	Credential string // name; "" where the provider needs none
	Egress     string
	Upstream   string // the provider's model name, under a wildcard alone: one model that fails shuts no other
	Apart      bool   // it is on trial, and reached otherwise than the endpoint of the same id
}

// apart marks the names of what is on trial beside another one of its name. No name has it.
const apart = "\x00trial"

func providerName(p *fairlead.Provider) string {
	if p.Apart {
		return p.Name + apart
	}
	return p.Name
}

type (
	credentialKey struct{ provider, name string }
	coolingKey    struct{ provider, credential, upstream string }
	egressKey     struct{ provider, egress string }
	modelKey      struct{ endpoint, upstream string }
	modelEgress   struct{ model, egress string }
)

// place is what is known of an endpoint whatever the credential. Under a wildcard each model has one, with the
// endpoint's budget and count: a quick model says nothing of how long a slow one takes.
type place struct {
	config    latch
	budget    *Budget
	busy      *atomic.Int64 // attempts under way, where somebody counts them
	deadlines *Deadlines
}

// credential is what is known of one whatever the endpoint.
type credential struct {
	latch   latch
	account cooling
}

// egress is what is known of a provider from one address range.
type egress struct {
	latch     latch
	downUntil atomic.Int64 // the roll-up: 0 = it is up
	downSince atomic.Int64
	seats     []*seat // under the Board's lock
}

// seat is a lane's own part and pointers to what it shares.
type seat struct {
	key      Key
	endpoint string // its id, marked where it is apart
	provider string
	model    string
	wild     bool
	asked    atomic.Int64 // when somebody last asked for it
	breaker  *Breaker
	place    *place
	cred     *credential
	cool     *cooling // nil under a wildcard
	egress   *egress
}

// NewBoard makes a Board that knows nothing.
func NewBoard(o Options) *Board {
	if o.Retry == (Terms{}) {
		o.Retry = RetryTerms
	}
	return &Board{
		since: since{o.Epoch}, seed: o.Seed, retry: o.Retry, swept: headroom,
		snapshot: &fairlead.Snapshot{}, secrets: map[credentialKey][sha256.Size]byte{},
		models: map[modelEgress][]*seat{}, opened: map[*seat]struct{}{}, wake: o.Opened,
	}
}

// Adopt takes note of a snapshot: which endpoints are members of which model. A new revision ends what
// was held against endpoints' configuration, and a credential whose value changed is tried again.
func (b *Board) Adopt(s *fairlead.Snapshot, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.at(now)
	b.snapshot = s
	b.compareSecrets(s, n)
	trial := ""
	if s.Trial != nil {
		trial = s.Trial.ID
	}
	if trial != b.trial {
		b.trial = trial
		b.keep(func(s *seat) bool { return !s.key.Apart }) // what the next one tries is another thing
	}
	if s.Revision == b.revision.Load() {
		return
	}
	b.revision.Store(s.Revision)
	for _, p := range b.places.all() {
		p.config.forget(n)
	}
	b.wildModel.set(nil)
}

// compareSecrets looks at the credentials of providers that are others than they were.
func (b *Board) compareSecrets(s *fairlead.Snapshot, now int64) {
	providers, same := make(map[string]*fairlead.Provider, len(s.Providers)), true
	for _, p := range providersOf(s) {
		name := providerName(p)
		providers[name] = p
		if b.providers[name] == p {
			continue
		}
		same = false
		for _, c := range p.Credentials {
			key := credentialKey{name, c.Name}
			secret := sha256.Sum256([]byte(c.Value.Reveal()))
			if known := b.keys.get(key); known != nil && b.secrets[key] != secret {
				known.latch.forget(now)
			}
			b.secrets[key] = secret
		}
	}
	if same && len(providers) == len(b.providers) {
		return
	}
	b.providers = providers
	maps.DeleteFunc(b.secrets, func(k credentialKey, _ [sha256.Size]byte) bool {
		p := providers[k.provider]
		return p == nil || !slices.ContainsFunc(p.Credentials, func(c fairlead.Credential) bool { return c.Name == k.name })
	})
}

// providersOf lists those of both sides.
func providersOf(s *fairlead.Snapshot) []*fairlead.Provider {
	if s.Trial == nil {
		return s.Providers
	}
	return slices.Concat(s.Providers, s.Trial.Snapshot.Providers)
}

// Tune changes the terms of every endpoint's retry budget.
func (b *Board) Tune(t Terms) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.retry == t {
		return
	}
	b.retry = t
	for _, p := range b.places.all() {
		p.budget.Tune(t)
	}
}

// Lane finds or makes the lane of an endpoint for the model name that is asked of it. It may be kept as
// long as Dropped says no.
func (b *Board) Lane(e *fairlead.Endpoint, asked, credentialName, egressName string, now time.Time) Lane {
	n := b.at(now)
	key := Key{Endpoint: e.ID, Credential: credentialName, Egress: egressName, Apart: e.Apart}
	l := Lane{board: b}
	if e.Model.Wildcard {
		l.upstream = e.UpstreamModel(asked)
		key.Upstream = l.upstream
	}
	l.seat = b.seats.get(key)
	if l.seat == nil && e.Model.Wildcard && b.wilds.Load() >= mostWild && !b.makeRoom(n) { // the rest share one
		key.Upstream = ""
		l.seat = b.seats.get(key)
	}
	if l.seat == nil {
		l.seat = b.make(e, key, n)
	}
	l.seat.touch(n)
	return l
}

func (s *seat) touch(now int64) {
	if now-s.asked.Load() > int64(time.Minute) { // seldom, so that readers do not fight over the line
		s.asked.Store(now)
	}
}

func (b *Board) make(e *fairlead.Endpoint, key Key, now int64) *seat {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.seats.get(key); s != nil {
		return s
	}
	b.sweep(now, now-b.swept > sweepEach)
	provider := providerName(e.Provider)
	s := &seat{key: key, endpoint: key.Endpoint, provider: provider, model: e.Model.Name, wild: e.Model.Wildcard}
	if key.Apart {
		s.endpoint += apart
	}
	if s.wild {
		s.model += " " + key.Upstream // its peers are what serves the same model
		b.wilds.Add(1)
	}
	s.asked.Store(now)
	s.breaker = NewBreaker(b.epoch, mix(b.seed, key.Endpoint, key.Credential, key.Egress, key.Upstream))
	s.place = b.place(s.endpoint, key.Upstream)
	s.cred = b.keys.getOr(credentialKey{provider, key.Credential}, func() *credential {
		return &credential{account: cooling{dice: jitter(mix(b.seed, provider, key.Credential))}}
	})
	s.egress = b.egresses.getOr(egressKey{provider, key.Egress}, func() *egress { return &egress{} })
	s.egress.seats = append(s.egress.seats, s)
	peers := modelEgress{s.model, key.Egress}
	b.models[peers] = append(b.models[peers], s)
	if !s.wild {
		upstream := e.Upstream
		if upstream == "" {
			upstream = e.Model.Name
		}
		s.cool = b.cooling(coolingKey{provider, key.Credential, upstream})
	}
	b.seats.put(key, s)
	return s
}

func (b *Board) place(endpoint, upstream string) *place {
	own := b.places.getOr(modelKey{endpoint, ""}, func() *place {
		return &place{budget: NewBudget(b.retry, b.epoch), busy: new(atomic.Int64), deadlines: NewDeadlines(b.epoch)}
	})
	if upstream == "" {
		return own
	}
	return b.places.getOr(modelKey{endpoint, upstream}, func() *place {
		return &place{budget: own.budget, busy: own.busy, deadlines: NewDeadlines(b.epoch)}
	})
}

// cooling finds or makes the one of a model that the configuration names. What a wildcard learned of
// the same model goes over to it.
func (b *Board) cooling(key coolingKey) *cooling {
	return b.coolings.getOr(key, func() *cooling {
		if c := b.wildCools.get(key); c != nil {
			return c
		}
		return b.newCooling(key)
	})
}

func (b *Board) newCooling(key coolingKey) *cooling {
	return &cooling{dice: jitter(mix(b.seed, key.provider, key.credential, key.upstream))}
}
