package fairlead

import "time"

// BackupInfo says what a backup holds.
type BackupInfo struct {
	Format   string           `json:"format"`
	Schema   int              `json:"schema"`
	At       time.Time        `json:"at"`
	Position Position         `json:"position"`
	Rows     map[string]int64 `json:"rows,omitempty"` // by table
}

// Verified is what a walk over the log, the audit and all that they make has found.
type Verified struct {
	Changes   int64    `json:"changes"`
	Revisions int64    `json:"revisions"`
	Entries   int64    `json:"entries"` // of the audit
	Position  Position `json:"position"`
	Faults    []string `json:"faults"` // empty where all is as it was written
}
