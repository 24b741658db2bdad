package fairlead

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"
)

// ChangeKind says what a change is about, and so what its content is.
type ChangeKind string

// The kinds of changes.
const (
	ChangeRevision ChangeKind = "revision" // RevisionContent
	ChangeStep     ChangeKind = "step"     // StepContent
	ChangeKey      ChangeKind = "key"      // KeyContent
	ChangeSecret   ChangeKind = "secret"   // SealedSecret
	ChangeBlock    ChangeKind = "block"
	ChangeNode     ChangeKind = "node"    // Node
	ChangeAccount  ChangeKind = "account" // AccountContent
)

// Hash is a SHA-256.
type Hash [sha256.Size]byte

// String is the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes the hash in hexadecimal.
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads what MarshalText writes.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != 2*len(h) {
		return errors.New("a hash has 64 hexadecimal digits")
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// Change is one entry of the log of everything that edges must know. Numbers are dense and in the order of
// commits; each hash covers the one before, so that two logs with the same hash at a number are the same up
// to there.
type Change struct {
	Number  int64      `json:"number"`
	Kind    ChangeKind `json:"kind"`
	At      time.Time  `json:"at"` // UTC, whole microseconds
	By      string     `json:"by"` // who made it
	Content []byte     `json:"content"`
	Hash    Hash       `json:"hash"`
}

// LargeContent is the size in bytes beyond which a change's content is not carried with others, but asked for alone.
const LargeContent = 256 << 10

// Chain is the hash that a change has after one with the hash before: SHA-256 over that hash, the number and
// the microseconds since 1970 as 8 bytes each (big endian), kind, author and content, each of these three behind
// its length in 8 bytes. The change before the first has the zero Hash.
func (c *Change) Chain(before Hash) Hash {
	return chain(before, []int64{c.Number, c.At.UnixMicro()}, []byte(c.Kind), []byte(c.By), c.Content)
}

// chain hashes numbers as 8 bytes each, big endian, and parts each behind its length.
func chain(before Hash, numbers []int64, parts ...[]byte) (h Hash) {
	d := sha256.New()
	d.Write(before[:])
	var word [8]byte
	number := func(n int64) {
		binary.BigEndian.PutUint64(word[:], uint64(n))
		d.Write(word[:])
	}
	for _, n := range numbers {
		number(n)
	}
	for _, part := range parts {
		number(int64(len(part)))
		d.Write(part)
	}
	d.Sum(h[:0])
	return h
}

// Position is a place in a log: after the change Number, whose hash is Hash. Log names the log; a database that is
// made anew has another.
type Position struct {
	Log    string `json:"log"`
	Number int64  `json:"number"`
	Hash   Hash   `json:"hash"`
}

// Act is what somebody did: it stands in the audit, beside the change that it made where it made one.
type Act struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`     // "admin", a token's name, "file", a node's name, "ramp"
	Action string    `json:"action"` // such as config.apply, key.revoke, node.add
	Target string    `json:"target,omitempty"`
	Why    string    `json:"why,omitempty"`
	Change int64     `json:"change,omitempty"` // 0 = it changed nothing that edges know
}

// AuditEntry is an act in the audit, which is a chain of its own.
type AuditEntry struct {
	Number int64 `json:"number"`
	Act
	Hash Hash `json:"hash"`
}

// Chain is the hash that an entry has after one with the hash before, made as a Change's: of number, time, change,
// then author, action, target and reason.
func (e *AuditEntry) Chain(before Hash) Hash {
	return chain(before, []int64{e.Number, e.At.UnixMicro(), e.Change}, []byte(e.By), []byte(e.Action), []byte(e.Target), []byte(e.Why))
}

// LostChange is a change that edges remember and this log has not, because it was restored from an older backup.
type LostChange struct {
	Change
	Nodes []string `json:"nodes"` // that remember it, by name
}
