package store

import (
	"context"
	"crypto/sha256"
	"encoding/json"

	"fairlead"
)

// folded is what the log makes of the tables of keys, accounts, teams, secrets and nodes: of each row a short sum, for there may be millions.
type folded map[fairlead.ChangeKind]map[string]rowSum

// rowSum is the begin of a SHA-256: enough to notice what was altered, little enough to keep for each row.
type rowSum [12]byte

func newFolded() folded {
	return folded{fairlead.ChangeKey: {}, fairlead.ChangeAccount: {}, fairlead.ChangeSecret: {}, fairlead.ChangeNode: {}}
}

// put notes a row as it is after a change.
func (f folded) put(kind fairlead.ChangeKind, name string, row any) error {
	sum, err := sumRow(row)
	f[kind][name] = sum
	return err
}

func sumRow(row any) (s rowSum, err error) {
	text, err := encode(row)
	sum := sha256.Sum256(text)
	copy(s[:], sum[:])
	return s, err
}

// fold takes a change of one of the tables; others leave it as it is.
func (f folded) fold(c *fairlead.Change) error {
	switch c.Kind {
	case fairlead.ChangeKey:
		var content fairlead.KeyContent
		if err := json.Unmarshal(c.Content, &content); err != nil {
			return err
		}
		for i := range content.Keys {
			if err := f.put(c.Kind, content.Keys[i].ID, &content.Keys[i]); err != nil {
				return err
			}
		}
	case fairlead.ChangeAccount:
		var content fairlead.AccountContent
		if err := json.Unmarshal(c.Content, &content); err != nil {
			return err
		}
		for i := range content.Accounts {
			if err := f.put(c.Kind, content.Accounts[i].ID, &content.Accounts[i]); err != nil {
				return err
			}
		}
		for i := range content.Teams {
			if err := f.put(c.Kind, content.Teams[i].ID, &content.Teams[i]); err != nil {
				return err
			}
		}
	case fairlead.ChangeSecret:
		var secret fairlead.SealedSecret
		if err := json.Unmarshal(c.Content, &secret); err != nil {
			return err
		}
		return f.put(c.Kind, secret.Name, &secret)
	case fairlead.ChangeNode:
		var node fairlead.Node
		if err := json.Unmarshal(c.Content, &node); err != nil {
			return err
		}
		return f.put(c.Kind, node.Name, &node)
	}
	return nil
}

// checkTables compares the tables with what the log makes of them.
func (v *verifier) checkTables(ctx context.Context) error {
	err := each(ctx, v.q, func(r scanner) error {
		k, err := scanKey(r)
		if err != nil {
			return err
		}
		stored := k.Stored()
		return v.row(fairlead.ChangeKey, k.ID, &stored)
	}, `SELECT `+keyColumns+` FROM keys`)
	if err != nil {
		return err
	}
	if err := v.checkAccounts(ctx); err != nil {
		return err
	}
	err = each(ctx, v.q, func(r scanner) error {
		secret, err := scanSecret(r)
		if err != nil {
			return err
		}
		return v.row(fairlead.ChangeSecret, secret.Name, &secret)
	}, `SELECT name, version, at, sealed FROM secrets`)
	if err != nil {
		return err
	}
	err = each(ctx, v.q, func(r scanner) error {
		node, err := scanNode(r)
		if err != nil {
			return err
		}
		return v.row(fairlead.ChangeNode, node.Name, &node)
	}, `SELECT `+nodeColumns+` FROM nodes`)
	if err != nil {
		return err
	}
	for kind, rows := range v.tables {
		for name := range rows {
			v.fault("the %s %s of the log is not in its table", kind, name)
		}
	}
	return nil
}

func (v *verifier) checkAccounts(ctx context.Context) error {
	err := each(ctx, v.q, func(r scanner) error {
		a, err := scanAccount(r)
		if err != nil {
			return err
		}
		return v.row(fairlead.ChangeAccount, a.ID, &a)
	}, `SELECT `+accountColumns+` FROM accounts`)
	if err != nil {
		return err
	}
	return each(ctx, v.q, func(r scanner) error {
		t, err := scanTeam(r)
		if err != nil {
			return err
		}
		return v.row(fairlead.ChangeAccount, t.ID, &t)
	}, `SELECT `+teamColumns+` FROM teams`)
}

// row compares a row of a table, and takes what the log made of it out.
func (v *verifier) row(kind fairlead.ChangeKind, name string, row any) error {
	have, err := sumRow(row)
	if err != nil {
		return err
	}
	if want, ok := v.tables[kind][name]; !ok || want != have {
		v.fault("the %s %s in its table is not what the log made of it", kind, name)
	}
	delete(v.tables[kind], name)
	return nil
}
