package store

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// columnType is how a column's values are written in a backup.
type columnType byte

const (
	number columnType = 'n'
	text   columnType = 't'
	octets columnType = 'b' // base64
)

// table is a table as a backup holds it.
type table struct {
	name    string
	columns []string
	types   []columnType
	nulls   []bool
	order   string // of its rows
	single  bool   // it has its one row from the begin
}

// tables are all tables that a backup holds, in its order; records are for looking, and not among them. "n:x" is a number, "t:x" a text, "b:x" bytes; ? = it may be NULL.
var tables = []table{
	newTable("head", "id", "n:id t:log n:number b:hash n:entries b:entry_hash"),
	newTable("state", "id", "n:id n:revision n:at t:document t:weights t:trial n:whole n:patched"),
	newTable("changes", "number", "n:number t:kind n:at t:author t:content b:hash"),
	newTable("audit", "number", "n:number n:at t:author t:action t:target t:why n:change b:hash"),
	newTable("revisions", "number", "n:number n:change n:at t:author t:why t:origin n:restores b:sum n:percent"),
	newTable("documents", "revision", "n:revision t:document"),
	newTable("keys", "hash", "t:id t:name b:hash t:hint n:created n:revoked? t:account t:team t:terms"),
	newTable("accounts", "id", "t:id n:created t:content"),
	newTable("teams", "id", "t:id t:account n:created t:content"),
	newTable("secrets", "name", "t:name n:version n:at b:sealed?"),
	newTable("nodes", "name", "t:name t:role t:region n:added n:joined? n:removed? b:public? b:certificate? b:sealed? b:token? n:expires?"),
	newTable("tokens", "id", "t:id t:name t:level b:hash n:created n:revoked?"),
	newTable("vault", "name", "t:name b:sealed"),
	newTable("courses", "id", "t:id t:kind t:endpoint n:revision n:version t:state t:seen n:begun n:ended? t:outcome t:why"),
	newTable("lost", "number, hash", "n:number b:hash t:kind n:at t:author t:content"),
	newTable("lost_at", "number, hash, node", "n:number b:hash t:node"),
	newTable("frames", "node, incarnation, sequence", "t:node t:incarnation n:sequence n:at n:lines n:lost n:gap b:hash b:packed"),
	newTable("frame_times", "tag, slot, node, incarnation, sequence", "n:tag n:slot t:node t:incarnation n:sequence"),
	newTable("ledger", "id", "n:id n:posting b:hash"),
	newTable("postings", "id", "n:id n:at t:kind t:account t:reference t:why t:author b:hash"),
	newTable("entries", "posting, book", "n:posting t:book n:amount"),
	newTable("balances", "book", "t:book n:amount"),
	newTable("settled", "node, incarnation, sequence", "t:node t:incarnation n:sequence n:exchanges n:unread n:elsewhere"),
	newTable("usage_minutes", "minute, account, team, key_id, model, endpoint", "n:minute t:account t:team t:key_id t:model t:endpoint n:exchanges n:failures "+
		"n:estimated n:input n:cache_read n:cache_write n:output n:reasoning n:cost n:charge"),
}

func newTable(name, order, columns string) table {
	t := table{name: name, order: order, single: name == "head" || name == "state" || name == "ledger"}
	for _, c := range strings.Fields(columns) {
		column, null := strings.CutSuffix(c[2:], "?")
		t.columns, t.types, t.nulls = append(t.columns, column), append(t.types, columnType(c[0])), append(t.nulls, null)
	}
	return t
}

func (t *table) selectAll() string {
	return `SELECT ` + strings.Join(t.columns, ", ") + ` FROM ` + t.name + ` ORDER BY ` + t.order
}

func (t *table) insert() string {
	return `INSERT INTO ` + t.name + ` (` + strings.Join(t.columns, ", ") + `) VALUES `
}

// scan reads a row into what JSON can hold, with the table's name in front.
func (t *table) scan(r scanner) ([]any, error) {
	to := make([]any, len(t.types))
	for i, kind := range t.types {
		switch kind {
		case number:
			to[i] = new(*int64)
		case text:
			to[i] = new(*string)
		case octets:
			to[i] = new([]byte)
		}
	}
	if err := r.Scan(to...); err != nil {
		return nil, err
	}
	return append([]any{t.name}, to...), nil
}

// decode reads a row's values as the database takes them.
func (t *table) decode(values []json.RawMessage) ([]any, error) {
	if len(values) != len(t.types) {
		return nil, fmt.Errorf("a row has %d values instead of %d", len(values), len(t.types))
	}
	row := make([]any, len(values))
	for i, v := range values {
		var err error
		switch {
		case string(v) == "null" && t.nulls[i]:
		case string(v) == "null":
			err = fmt.Errorf("no value")
		case t.types[i] == number:
			row[i], err = decodeAs[int64](v)
		case t.types[i] == text:
			row[i], err = decodeAs[string](v)
		default:
			var s string
			if s, err = decodeAs[string](v); err == nil {
				row[i], err = base64.StdEncoding.DecodeString(s)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", t.columns[i], err)
		}
	}
	return row, nil
}

func decodeAs[T any](v json.RawMessage) (to T, err error) {
	err = json.Unmarshal(v, &to)
	return to, err
}
