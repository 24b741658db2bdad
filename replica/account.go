package replica

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"

	"fairlead"
)

// cell holds an account or a team as it is now; nil = it is not known. Keys in memory point to it, so that a change reaches them all
// at once and a lookup pays two loads for it.
type cell[T any] struct{ now atomic.Pointer[T] }

// load is safe where a key names nothing.
func (c *cell[T]) load() *T {
	if c == nil {
		return nil
	}
	return c.now.Load()
}

// accounts are all accounts and teams of the file in use: they are far fewer than keys. Each takes about 300 bytes.
type accounts struct {
	mu       sync.Mutex
	accounts map[string]*cell[fairlead.Account]
	teams    map[string]*cell[fairlead.Team]
}

// cellOf gives the cell of an id, which stays the same; nil for none.
func cellOf[T any](cells *map[string]*cell[T], id string) *cell[T] {
	if id == "" {
		return nil
	}
	c := (*cells)[id]
	if c == nil {
		if *cells == nil {
			*cells = map[string]*cell[T]{}
		}
		c = &cell[T]{}
		(*cells)[id] = c
	}
	return c
}

// held is a key with what it names.
func (a *accounts) held(k *fairlead.Key) *held {
	h := &held{Key: *k}
	if k.Account != "" {
		a.mu.Lock()
		defer a.mu.Unlock()
		h.account, h.team = cellOf(&a.accounts, k.Account), cellOf(&a.teams, k.Team)
	}
	return h
}

// put takes accounts and teams as they are now; whole = there are no others.
func (a *accounts) put(content *fairlead.AccountContent, whole bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	putCells(&a.accounts, content.Accounts, func(x *fairlead.Account) string { return x.ID }, whole)
	putCells(&a.teams, content.Teams, func(x *fairlead.Team) string { return x.ID }, whole)
}

// putCells empties what is not among all only after the rest is in: a lookup finds the old or the new one.
func putCells[T any](cells *map[string]*cell[T], all []T, id func(*T) string, whole bool) {
	there := make(map[string]bool, len(all))
	for i := range all {
		one := all[i]
		there[id(&one)] = true
		cellOf(cells, id(&one)).now.Store(&one)
	}
	if !whole {
		return
	}
	for id, c := range *cells {
		if !there[id] {
			c.now.Store(nil)
		}
	}
}

// close takes those that are closed: what the disk did not take is refused all the same.
func (a *accounts) close(content *fairlead.AccountContent) {
	var closed fairlead.AccountContent
	for _, x := range content.Accounts {
		if !x.Active() {
			closed.Accounts = append(closed.Accounts, x)
		}
	}
	for _, x := range content.Teams {
		if !x.Active() {
			closed.Teams = append(closed.Teams, x)
		}
	}
	a.put(&closed, false)
}

const writeAccount = `INSERT INTO accounts (id, team, content) VALUES (?, ?, ?)
	ON CONFLICT (id) DO UPDATE SET team = excluded.team, content = excluded.content`

func writeAccounts(ctx context.Context, tx *sql.Tx, content *fairlead.AccountContent) error {
	for i := range content.Accounts {
		if err := writeOne(ctx, tx, content.Accounts[i].ID, 0, &content.Accounts[i]); err != nil {
			return err
		}
	}
	for i := range content.Teams {
		if err := writeOne(ctx, tx, content.Teams[i].ID, 1, &content.Teams[i]); err != nil {
			return err
		}
	}
	return nil
}

func writeOne(ctx context.Context, tx *sql.Tx, id string, team int, value any) error {
	text, err := json.Marshal(value)
	if err == nil {
		_, err = tx.ExecContext(ctx, writeAccount, id, team, text)
	}
	return err
}

// readAccounts reads all accounts and teams.
func (f *file) readAccounts(ctx context.Context) (*fairlead.AccountContent, error) {
	rows, err := f.write.QueryContext(ctx, `SELECT team, content FROM accounts`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := &fairlead.AccountContent{}
	for rows.Next() {
		var team int
		var text []byte
		if err := rows.Scan(&team, &text); err != nil {
			return nil, err
		}
		if team == 0 {
			all.Accounts = append(all.Accounts, fairlead.Account{})
			err = json.Unmarshal(text, &all.Accounts[len(all.Accounts)-1])
		} else {
			all.Teams = append(all.Teams, fairlead.Team{})
			err = json.Unmarshal(text, &all.Teams[len(all.Teams)-1])
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errForeign, err)
		}
	}
	return all, rows.Err()
}
