package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"fairlead"
)

const (
	// actRestore is the act of a restore, whose target is what restored writes.
	actRestore = "store.restore"
	// restoreCounts is how long removals are made again that a restore undid: an edge that comes back later says what an operator
	// has looked at long since.
	restoreCounts = 7 * 24 * time.Hour
	// stayNamed bounds the edges that an entry of the audit names.
	stayNamed = 5
)

// restored says to which change a database was restored, and of when that backup is.
func restored(number int64, at time.Time) string {
	return fmt.Sprintf("change %d of %s", number, at.Format(time.RFC3339))
}

// removal is what a lost change says of an edge.
type removal struct {
	fairlead.Node
	change int64
	undone bool // a restore is known that undid it
}

// removedIn gives the edges that those of changes removed which are lost.
func (w *writer) removedIn(ctx context.Context, changes []fairlead.Change, lost []changeID) (all []removal, err error) {
	for i := range changes {
		c := &changes[i]
		r := removal{change: c.Number}
		if c.Kind != fairlead.ChangeNode || json.Unmarshal(c.Content, &r.Node) != nil || r.Removed.IsZero() || r.Role != fairlead.RoleEdge {
			continue
		}
		if slices.Contains(lost, changeID{c.Number, c.Hash}) {
			all = append(all, r)
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	err = each(ctx, w.tx, func(r scanner) error {
		var at, number int64
		var target string
		if err := r.Scan(&at, &target); err != nil {
			return err
		}
		if _, err := fmt.Sscanf(target, "change %d of ", &number); err != nil {
			return nil // it does not say to what
		}
		for i := range all {
			all[i].undone = all[i].undone || (all[i].change > number && all[i].Removed.UnixMicro() < at)
		}
		return nil
	}, `SELECT at, target FROM audit WHERE action = $1 AND at >= $2`, actRestore, w.act.At.Add(-restoreCounts).UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("look for restores: %w", err)
	}
	return all, nil
}

// removeAgain removes again, as of then, the edges whose removal a restore undid, where they are here as they were before: one that was
// added since stays. A node can say what it likes of others, and so nothing is removed that the log itself does not know to be in
// doubt; why says which edges stay for that. A control node is a member by its database, and makes itself known.
func (w *writer) removeAgain(ctx context.Context, teller string, all []removal) (why string, err error) {
	told := w.act
	var stay []string
	for _, was := range all {
		here, found, err := w.node(ctx, was.Name)
		if err != nil {
			return "", err
		}
		if !found || !here.Removed.IsZero() || here.Role != fairlead.RoleEdge || here.Added.After(was.Removed) {
			continue
		}
		if !was.undone {
			stay = append(stay, was.Name)
			continue
		}
		w.act = fairlead.Act{
			At: told.At, By: byRestore, Action: "node.remove", Target: was.Name,
			Why: "removed in a change that this log lost, as " + teller + " remembers",
		}
		here.Removed, here.Sealed = was.Removed, nil
		if err := w.putNode(ctx, here, nil, sql.NullInt64{}); err != nil {
			return "", fmt.Errorf("remove a node of lost change %d: %w", was.change, err)
		}
	}
	w.act = told
	return staying(stay), nil
}

// staying says which edges are not removed again; "" = none.
func staying(names []string) string {
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	names = slices.Compact(names)
	text := strings.Join(names[:min(len(names), stayNamed)], ", ")
	if more := len(names) - stayNamed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return "not removed again, for no restore is known that undid it: " + text
}
