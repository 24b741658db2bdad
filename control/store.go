package control

import (
	"context"
	"io"
	"time"

	"fairlead"
)

// Store is the truth, as the control plane uses it. Errors that a caller can act on are *fairlead.Error.
type Store interface {
	logStore
	configStore
	accountStore
	keyStore
	secretStore
	nodeStore
	tokenStore
	auditStore
	recordStore
	ledgerStore
}

type logStore interface {
	Head(ctx context.Context) (fairlead.Position, error)
	Change(ctx context.Context, number int64) (fairlead.Change, error)
}

type configStore interface {
	// State gives the configuration and the place in the log, both of one moment.
	State(ctx context.Context) (fairlead.State, fairlead.Position, error)
	// CommitRevision writes the revision after Base; CodeStale where Base is not the last one.
	CommitRevision(ctx context.Context, c fairlead.Commit) (fairlead.Revision, fairlead.Change, error)
	Revision(ctx context.Context, n int64) (fairlead.Revision, error)
	// Revisions lists from the newest, or from the one before a number.
	Revisions(ctx context.Context, before int64, limit int) ([]fairlead.Revision, error)
	Document(ctx context.Context, n int64) ([]byte, error)
	Course(ctx context.Context, id string) (fairlead.Course, error)
	// Courses lists ramps or trials, newest first.
	Courses(ctx context.Context, kind fairlead.CourseKind, limit int) ([]fairlead.Course, error)
}

type keyStore interface {
	CreateKeys(ctx context.Context, act fairlead.Act, keys ...fairlead.Key) (fairlead.Change, error)
	// RevokeKey gives a zero Change where the key was revoked before.
	RevokeKey(ctx context.Context, id string, act fairlead.Act) (fairlead.Key, fairlead.Change, error)
	// UpdateKey gives a zero Change where nothing was changed; f may run again.
	UpdateKey(ctx context.Context, id string, act fairlead.Act, f func(*fairlead.Key) error) (fairlead.Key, fairlead.Change, error)
	Key(ctx context.Context, id string) (fairlead.Key, error)
	Keys(ctx context.Context, after string, limit int) ([]fairlead.Key, error)
	// KeysOf lists those of an account, or of a team of it where one is named.
	KeysOf(ctx context.Context, account, team, after string, limit int) ([]fairlead.Key, error)
}

// accountStore changes accounts and teams as keyStore does keys.
type accountStore interface {
	CreateAccount(ctx context.Context, a fairlead.Account, act fairlead.Act) (fairlead.Change, error)
	UpdateAccount(ctx context.Context, id string, act fairlead.Act, f func(*fairlead.Account) error) (fairlead.Account, fairlead.Change, error)
	Account(ctx context.Context, id string) (fairlead.Account, error)
	Accounts(ctx context.Context, after string, limit int) ([]fairlead.Account, error)
	CreateTeam(ctx context.Context, t fairlead.Team, act fairlead.Act) (fairlead.Change, error)
	UpdateTeam(ctx context.Context, account, id string, act fairlead.Act, f func(*fairlead.Team) error) (fairlead.Team, fairlead.Change, error)
	Team(ctx context.Context, account, id string) (fairlead.Team, error)
	Teams(ctx context.Context, account, after string, limit int) ([]fairlead.Team, error)
}

type secretStore interface {
	// PutSecret wants the version after base; CodeConflict where base is not the stored one.
	PutSecret(ctx context.Context, base int64, s fairlead.SealedSecret, act fairlead.Act) (fairlead.Change, error)
	// Secrets lists by name, deleted ones included.
	Secrets(ctx context.Context) ([]fairlead.SealedSecret, error)
}

type nodeStore interface {
	AddNode(ctx context.Context, n fairlead.Node, token fairlead.Hash, expires time.Time, act fairlead.Act) (fairlead.Change, error)
	RemoveNode(ctx context.Context, name string, act fairlead.Act) (fairlead.Node, fairlead.Change, error)
	Nodes(ctx context.Context) ([]fairlead.Node, error)
}

type tokenStore interface {
	CreateToken(ctx context.Context, t fairlead.Token, act fairlead.Act) error
	Token(ctx context.Context, hash fairlead.Hash) (fairlead.Token, bool, error)
	Tokens(ctx context.Context) ([]fairlead.Token, error)
	RevokeToken(ctx context.Context, id string, act fairlead.Act) (fairlead.Token, error)
}

type auditStore interface {
	// Note writes an act without a change.
	Note(ctx context.Context, act fairlead.Act) error
	// Audit lists from the newest, or from the entry before a number.
	Audit(ctx context.Context, before int64, limit int) ([]fairlead.AuditEntry, error)
	Verify(ctx context.Context) (fairlead.Verified, error)
	Lost(ctx context.Context) ([]fairlead.LostChange, error)
	Backup(ctx context.Context, w io.Writer) (fairlead.BackupInfo, error)
}

type recordStore interface {
	// Records lists from the newest; it takes no longer than a few seconds.
	Records(ctx context.Context, f fairlead.RecordFilter) ([]fairlead.StoredRecord, error)
	Record(ctx context.Context, id string) (fairlead.StoredRecord, error)
	// RecordCounts adds up the exchanges of a time, with and without a record.
	RecordCounts(ctx context.Context, from, until time.Time, node string) (fairlead.RecordSecond, error)
	// ChargeLines finds the lines of an exchange.
	ChargeLines(ctx context.Context, id string) ([]fairlead.FoundLine, error)
}

type ledgerStore interface {
	// Post makes a move once for its reference; fresh is false where it was made before.
	Post(ctx context.Context, m fairlead.Move, act fairlead.Act) (posting fairlead.Posting, fresh bool, err error)
	// Balance gives CodeNotFound for an account that nothing was posted to.
	Balance(ctx context.Context, account string) (fairlead.USD, error)
	// Postings lists from the newest, or from the one before an id; it takes no longer than a few seconds, and so does Usage.
	Postings(ctx context.Context, account string, before int64, limit int) ([]fairlead.Posting, error)
	Usage(ctx context.Context, f fairlead.UsageFilter) ([]fairlead.UsageGroup, error)
	AuditLedger(ctx context.Context) (fairlead.LedgerCheck, error)
}
