package fairlead

import (
	"strings"
	"time"
)

// Role is the plane, or the planes, of a node.
type Role string

// The roles of nodes.
const (
	RoleAll     Role = "all"
	RoleControl Role = "control"
	RoleEdge    Role = "edge"
)

// Node is a member of the fleet. It is also what a change of kind node says.
type Node struct {
	Name    string    `json:"name"`
	Role    Role      `json:"role"`
	Region  string    `json:"region,omitempty"`
	Added   time.Time `json:"added"`
	Joined  time.Time `json:"joined,omitzero"`  // zero = its token was not used yet
	Removed time.Time `json:"removed,omitzero"` // a removed node stays as a tombstone
	// Public is the node's X25519 key, to which the fleet's key is sealed; empty until it joined.
	Public []byte `json:"public,omitempty"`
	// Certificate is the SHA-256 of the public key of the certificate that it shows (SPKI, DER).
	Certificate Hash `json:"certificate,omitzero"`
	// Sealed is the fleet's key, sealed to Public: with it the node reads secrets.
	Sealed []byte `json:"sealed,omitempty"`
}

// NodeStatus is what a node says of itself, each second and whenever it changes.
type NodeStatus struct {
	Name        string    `json:"name"`
	Role        Role      `json:"role"`
	Region      string    `json:"region,omitempty"`
	Egress      string    `json:"egress,omitempty"`
	Bus         string    `json:"bus,omitempty"` // address on which it lets nodes in
	Version     string    `json:"version"`
	Incarnation string    `json:"incarnation"` // of the process
	Started     time.Time `json:"started"`
	At          time.Time `json:"at"` // by its own clock
	Position    Position  `json:"position"`
	Revision    int64     `json:"revision"` // in force
	Stale       bool      `json:"stale"`    // it has heard no beat lately
	Loading     string    `json:"loading,omitempty"`
	NameTaken   bool      `json:"name_taken,omitempty"`   // another control node on its database has its name
	ConfigError string    `json:"config_error,omitempty"` // why a later revision is not in force
	Unresolved  []string  `json:"unresolved,omitempty"`   // references without a value here

	Spool *SpoolStatus `json:"spool,omitempty"` // nil = the node has no data plane

	// Health is what the node holds against endpoints, as many as fit; HealthMore counts the others.
	Health     []EndpointHealth `json:"health,omitempty"`
	HealthMore int              `json:"health_more,omitempty"`
}

// EndpointHealth is what a node holds against an endpoint that it does not use in full.
type EndpointHealth struct {
	ID     string    `json:"id"`
	State  string    `json:"state"` // closed, with less than its weight; half_open, cooling, open, disabled
	Reason Reason    `json:"reason"`
	Share  int       `json:"share,omitempty"` // per cent of its weight, while closed
	Until  time.Time `json:"until,omitzero"`  // when that may change by itself
}

// Shut reports whether the node sends no exchange there, but to try it.
func (h *EndpointHealth) Shut() bool { return h.Share == 0 }

// SpoolStatus says how it stands with what a node has to send up. The counts begin with its process.
type SpoolStatus struct {
	Bytes   int64     `json:"bytes"`                  // on its disk, acknowledged ones included
	Frames  int64     `json:"frames"`                 // of charge lines that control has not acknowledged
	Oldest  time.Time `json:"oldest,omitzero"`        // when the oldest of these was cut
	Refused int64     `json:"refused,omitempty"`      // charge lines that could not be written
	Lost    int64     `json:"lost,omitempty"`         // charge lines that could not be read again, or stay behind with a copied disk
	Failing string    `json:"failing,omitempty"`      // why lines are refused now
	Records int64     `json:"records_lost,omitempty"` // records for which there was no room
}

// SealedSecret is a stored credential, sealed under the fleet's key. It is also what a change of kind
// secret says.
type SealedSecret struct {
	Name    string    `json:"name"`
	Version int64     `json:"version"` // from 1, one more with each value
	At      time.Time `json:"at"`
	Sealed  []byte    `json:"sealed,omitempty"` // AES-256-GCM; absent = deleted
}

// Deleted reports whether the secret has no value any more.
func (s *SealedSecret) Deleted() bool { return len(s.Sealed) == 0 }

// Level is what an admin token may do.
type Level string

// The levels, each with all that those before it may.
const (
	LevelViewer   Level = "viewer"   // look
	LevelOperator Level = "operator" // steer: configuration, weights, drains, blocks
	LevelAdmin    Level = "admin"    // keys, secrets, nodes, tokens, backups
)

// Allows reports whether a token of this level may do what needs another.
func (l Level) Allows(need Level) bool { return l.rank() >= need.rank() && l.rank() > 0 }

func (l Level) rank() int {
	switch l {
	case LevelViewer:
		return 1
	case LevelOperator:
		return 2
	case LevelAdmin:
		return 3
	}
	return 0
}

// Token speaks to the control plane.
type Token struct {
	ID      string    `json:"id"` // "tok_" and 16 characters
	Name    string    `json:"name"`
	Level   Level     `json:"level"`
	Hash    Hash      `json:"-"`
	Created time.Time `json:"created"`
	Revoked time.Time `json:"revoked,omitzero"`
}

// ValidNodeName says why a name cannot be a node's: it has 1 to 63 small letters, digits and hyphens, and begins and ends
// with a letter or a digit, so that it can stand in a subject, a certificate and a host name.
func ValidNodeName(name string) error {
	for i, r := range name {
		letter := (r >= 'a' && r <= 'z') || (r >= '0' && r <= '9')
		if !letter && (r != '-' || i == 0 || i == len(name)-1) {
			name = ""
			break
		}
	}
	if name == "" || len(name) > 63 {
		return Errorf(CodeInvalidRequest, "a node's name has 1 to 63 small letters, digits and hyphens, and begins and ends with a letter or a digit")
	}
	return nil
}

// ValidSecretName says why a name cannot be a secret's.
func ValidSecretName(name string) error {
	other := func(r rune) bool {
		return !(r >= 'a' && r <= 'z') && !(r >= 'A' && r <= 'Z') && !(r >= '0' && r <= '9') && !strings.ContainsRune("._-", r)
	}
	if name == "" || len(name) > 64 || strings.ContainsFunc(name, other) || strings.ContainsRune("._-", rune(name[0])) {
		return Errorf(CodeInvalidRequest, "a secret's name has 1 to 64 letters, digits and . _ -, and begins with a letter or a digit")
	}
	return nil
}
