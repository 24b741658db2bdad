package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"fairlead"
)

// removeLost removes again, as of then, the edges that changes removed which this log lacks, where they are here as they were
// before: one that was added since stays. It gives how many. A control node is a member by its database, and makes itself known.
func (w *writer) removeLost(ctx context.Context, teller string, changes []fairlead.Change) (removed int, err error) {
	told := w.act
	for i := range changes {
		c := &changes[i]
		var was fairlead.Node
		if c.Kind != fairlead.ChangeNode || json.Unmarshal(c.Content, &was) != nil || was.Removed.IsZero() || was.Role != fairlead.RoleEdge {
			continue
		}
		here, found, err := w.node(ctx, was.Name)
		if err != nil {
			return 0, err
		}
		if !found || !here.Removed.IsZero() || here.Role != fairlead.RoleEdge || here.Added.After(was.Removed) {
			continue
		}
		if lost, err := w.lacks(ctx, c); err != nil || !lost {
			if err != nil {
				return 0, fmt.Errorf("look for change %d: %w", c.Number, err)
			}
			continue
		}
		w.act = fairlead.Act{
			At: told.At, By: byRestore, Action: "node.remove", Target: was.Name,
			Why: "removed in a change that this log lost, as " + teller + " remembers",
		}
		here.Removed, here.Sealed = was.Removed, nil
		if err := w.putNode(ctx, here, nil, sql.NullInt64{}); err != nil {
			return 0, fmt.Errorf("remove a node of lost change %d: %w", c.Number, err)
		}
		removed++
	}
	w.act = told
	return removed, nil
}

// lacks reports whether the log has another change under a number, or none.
func (w *writer) lacks(ctx context.Context, c *fairlead.Change) (bool, error) {
	var has bool
	err := w.tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM changes WHERE number = $1 AND hash = $2)`, c.Number, c.Hash[:]).Scan(&has)
	return !has, err
}
