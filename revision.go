package fairlead

import (
	"encoding/json"
	"time"
)

// Origin says how a revision came about.
type Origin string

// The origins of revisions.
const (
	OriginApply    Origin = "apply"    // a whole document
	OriginPatch    Origin = "patch"    // a merge patch
	OriginRollback Origin = "rollback" // the document of an earlier one
	OriginWeight   Origin = "weight"   // one endpoint's weight; drains, too
	OriginFile     Origin = "file"     // the file of -c
	OriginRamp     Origin = "ramp"     // the end of a ramp: held, reverted or promoted
	OriginTrial    Origin = "trial"    // the begin of a trial, or its end
)

// Revision is a numbered, immutable version of the whole configuration.
type Revision struct {
	Number   int64     `json:"number"` // dense, from 1
	Change   int64     `json:"change"` // that carried it
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Why      string    `json:"why,omitempty"`
	Origin   Origin    `json:"origin"`
	Restores int64     `json:"restores,omitempty"` // of a rollback: whose document it is
	Sum      Hash      `json:"sum"`                // SHA-256 of the whole document
	Percent  int       `json:"percent"`            // of the exchanges that it was made for: 100, or a trial's share
}

// RevisionContent is what a change of kind revision says.
type RevisionContent struct {
	Revision int64           `json:"revision"`
	Origin   Origin          `json:"origin"`
	Why      string          `json:"why,omitempty"`
	Restores int64           `json:"restores,omitempty"`
	Patch    json.RawMessage `json:"patch"` // RFC 7396, of the document before; that of the first is {}
	Sum      Hash            `json:"sum"`   // of the document after it
	// Weights are all weights that are laid over the document from here on, by endpoint id.
	Weights map[string]int `json:"weights,omitempty"`
	// Ramp is what moves a weight from here on, for people to read; steps follow.
	Ramp *Ramp `json:"ramp,omitempty"`
	// Trial is tried from here on beside the document; null = nothing is.
	Trial *Trial `json:"trial,omitempty"`
}

// StepContent is what a change of kind step says: a ramp's next weights, without a revision.
type StepContent struct {
	Ramp    string         `json:"ramp"`
	Weights map[string]int `json:"weights"` // all that are laid over the document
}

// Ramp moves an endpoint's weight over time, as long as its guard holds.
type Ramp struct {
	ID       string   `json:"id"`
	Endpoint string   `json:"endpoint"`
	From     int      `json:"from"`
	To       int      `json:"to"`
	Over     Duration `json:"over"`
	Guard    string   `json:"guard,omitempty"`
}

// Trial is a whole revision that takes a share of the exchanges.
type Trial struct {
	ID       string          `json:"id"`
	Revision int64           `json:"revision"`
	Percent  int             `json:"percent"`
	Hold     Duration        `json:"hold"`
	Guard    string          `json:"guard,omitempty"`
	Patch    json.RawMessage `json:"patch"` // of the document beside which it is tried
}

// State is all of the configuration that an edge holds.
type State struct {
	Revision int64          `json:"revision"` // 0 = there has been none
	At       time.Time      `json:"at"`
	Document []byte         `json:"document"` // JSON; "{}" at revision 0
	Weights  map[string]int `json:"weights,omitempty"`
	Trial    *Trial         `json:"trial,omitempty"`
}

// Commit is a revision to be written: the next one after Base, or none.
type Commit struct {
	Base     int64 // the revision that it was made from; another in force is a conflict
	Content  RevisionContent
	Document []byte // whole, after Content.Patch
	// Course begins with the revision, if it is new, or is kept as it is here, which may be ended; nil = neither.
	Course *Course
	Act    Act
}

// KeyContent is what a change of kind key says: keys as they are now.
type KeyContent struct {
	Keys []StoredKey `json:"keys"`
}

// StoredKey is a key with its hash, as logs and disks keep it.
type StoredKey struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Hash    Hash       `json:"hash"`
	Hint    string     `json:"hint"`
	Created time.Time  `json:"created"`
	Revoked *time.Time `json:"revoked,omitempty"`
	KeyTerms
}

// Stored is the key as logs and disks keep it.
func (k *Key) Stored() StoredKey {
	s := StoredKey{ID: k.ID, Name: k.Name, Hash: Hash(k.Hash), Hint: k.Hint, Created: k.Created, KeyTerms: k.KeyTerms}
	if !k.Active() {
		s.Revoked = &k.Revoked
	}
	return s
}

// Key is the key that was stored.
func (s *StoredKey) Key() Key {
	k := Key{ID: s.ID, Name: s.Name, Hash: KeyHash(s.Hash), Hint: s.Hint, Created: s.Created, KeyTerms: s.KeyTerms}
	if s.Revoked != nil {
		k.Revoked = *s.Revoked
	}
	return k
}
