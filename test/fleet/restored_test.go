//go:build linux

package fleet_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"fairlead"
	"fairlead/bus"
	"fairlead/client"
	"fairlead/test/harness"
)

// TestRestored puts a backup in the place of the database. What was written after it is named; edges never stop.
func TestRestored(t *testing.T) {
	f := begin(t)
	api := f.controls[0].api()
	old, err := api.CreateKey(t.Context(), "made before the backup")
	check(t, err)
	revoked, err := api.CreateKey(t.Context(), "revoked before the backup")
	check(t, err)
	_, err = api.RevokeKey(t.Context(), revoked.ID)
	check(t, err)
	idle := f.addEdge("idle", "us") // nothing but one exchange comes by it
	f.edges = f.edges[:4]
	idle.launch()
	idle.ready()
	_, err = api.AddNode(t.Context(), "gone", "us")
	check(t, err)
	deploys, err := api.CreateToken(t.Context(), "deploys", fairlead.LevelViewer)
	check(t, err)
	var backup bytes.Buffer
	_, err = api.Backup(t.Context(), &backup)
	check(t, err)
	before := f.revision()
	var late client.NewKey
	var alone string // the exchange of an edge that has no other
	f.scene("changes after the backup", func(t *testing.T) {
		late, err = api.CreateKey(t.Context(), "made after the backup")
		check(t, err)
		_, err = api.RevokeKey(t.Context(), old.ID)
		check(t, err)
		_, err = api.SetSecret(t.Context(), "LATER", fairlead.NewSecret("a value that nobody may see"))
		check(t, err)
		_, err = api.RemoveNode(t.Context(), "gone")
		check(t, err)
		once, err := f.ask(t.Context(), quick, idle, f.key.Secret, false)
		check(t, err)
		alone = once.id
		f.evidenceOf(idle).holds(alone)
		_, err = api.SetWeight(t.Context(), left, 1, client.Write{Why: "a weight after the backup"})
		check(t, err)
	})
	f.scene("the backup is restored", func(t *testing.T) {
		f.replaceDatabase(func(dsn string) {
			file := filepath.Join(t.TempDir(), "backup")
			check(t, os.WriteFile(file, backup.Bytes(), 0o600))
			f.cli("restore", file, "--database", dsn)
		})
		t.Logf("converged in %s", f.converged())
		if f.revision() != before {
			t.Errorf("revision %d is in force, not %d", f.revision(), before)
		}
		f.serves(before)
		f.admits(late.Secret, f.edges, http.StatusUnauthorized)
		f.admits(revoked.Secret, f.edges, http.StatusUnauthorized)
		// What was revoked after the backup is revoked again by what edges remember, once, and never was good at an edge that did.
		f.wantLost(t, "made after the backup", late.ID, old.ID+" made before the backup: revoked", "LATER", "a weight after the backup")
		f.wantLost(t, "gone: removed")
		f.evidenceOf(idle).holds(alone)
		nodes, err := f.controls[1].api().Nodes(t.Context())
		if err != nil || slices.ContainsFunc(nodes, func(n client.Node) bool { return n.Name == "gone" }) {
			t.Errorf("the edge that was removed after the backup is back: %v, %v", nodes, err)
		}
		as, err := client.New("http://"+f.controls[1].at, fairlead.NewSecret(deploys.Secret))
		check(t, err)
		if _, err := as.Nodes(t.Context()); fairlead.AsError(err).HTTPStatus() != http.StatusUnauthorized {
			t.Errorf("a token of the backup: %v", err)
		}
		f.admits(old.Secret, f.edges, http.StatusUnauthorized)
		f.revokedByRestore(t, old.ID)
		f.weigh(f.controls[2], 3)
	})
}

// TestRestoredTwice puts an older backup in the place of one that was the wrong one. What the first restore had kept, and the second one
// undoes, is named, and a key that was revoked between the two backups is good nowhere.
func TestRestoredTwice(t *testing.T) {
	f := begin(t)
	api := f.controls[0].api()
	k, err := api.CreateKey(t.Context(), "made before both")
	check(t, err)
	backUp := func() string {
		var backup bytes.Buffer
		_, err := api.Backup(t.Context(), &backup)
		check(t, err)
		file := filepath.Join(t.TempDir(), "backup")
		check(t, os.WriteFile(file, backup.Bytes(), 0o600))
		return file
	}
	weigh := func(t *testing.T, weight int, why string) {
		_, err := api.SetWeight(t.Context(), left, weight, client.Write{Why: why})
		check(t, err)
	}
	older := backUp()
	_, err = api.RevokeKey(t.Context(), k.ID)
	check(t, err)
	weigh(t, 1, "between the backups")
	newer := backUp()
	f.scene("the newer backup is restored", func(t *testing.T) {
		weigh(t, 2, "after both backups")
		f.converged()
		f.replaceDatabase(func(dsn string) { f.cli("restore", newer, "--database", dsn) })
		f.converged()
		f.wantLost(t, "after both backups")
		f.admits(k.Secret, f.edges, http.StatusUnauthorized)
	})
	f.scene("the older backup is restored", func(t *testing.T) {
		f.replaceDatabase(func(dsn string) { f.cli("restore", older, "--database", dsn) })
		f.converged()
		f.wantLost(t, "between the backups", k.ID+" made before both: revoked")
		f.converged()
		f.admits(k.Secret, f.edges, http.StatusUnauthorized)
		f.revokedByRestore(t, k.ID)
	})
}

// revokedByRestore holds that the audit has one act of the restore itself but for removals, which revoked a key.
func (f *fleet) revokedByRestore(t *testing.T, id string) {
	t.Helper()
	entries, err := f.store.Audit(t.Context(), 0, 100)
	check(t, err)
	var acts []fairlead.AuditEntry
	for _, e := range entries {
		if e.By == "restore" && e.Action != "node.remove" {
			acts = append(acts, e)
		}
	}
	if len(acts) != 1 || acts[0].Action != "key.revoke" || acts[0].Target != id || acts[0].Change == 0 {
		t.Errorf("by the restore was done %+v", acts)
	}
}

// wantLost holds that changes are listed as lost, by what they were about, with all edges as those that had them.
func (f *fleet) wantLost(t *testing.T, what ...string) {
	t.Helper()
	var list []client.LostChange
	harness.Until(t, "all edges have told of what was lost", func() bool {
		var err error
		list, err = f.controls[2].api().Lost(t.Context())
		return err == nil && len(list) > 0 && !slices.ContainsFunc(list, func(l client.LostChange) bool { return len(l.Nodes) < len(f.edges) })
	})
	for _, w := range what {
		if !slices.ContainsFunc(list, func(l client.LostChange) bool { return strings.Contains(strings.Join(l.What, " "), w) }) {
			t.Errorf("%q is not listed as lost: %+v", w, list)
		}
	}
}

// holds waits until the lines of an exchange are at control.
func (e *evidence) holds(id string) {
	e.f.t.Helper()
	harness.Until(e.f.t, "the lines of "+id+" are at control", func() bool {
		e.read()
		return e.lines[id] == [2]int{1, 1}
	})
}

// replaceDatabase ends all control nodes, has another database made, and starts them on that.
func (f *fleet) replaceDatabase(fill func(dsn string)) {
	f.t.Helper()
	for _, n := range f.controls {
		n.kill()
	}
	dsn := server.Database(f.root)
	fill(dsn)
	was := f.database
	f.useDatabase(dsn)
	for _, n := range f.controls {
		for i := range n.args {
			n.args[i] = strings.Replace(n.args[i], databaseOf(was)+"?", databaseOf(dsn)+"?", 1)
		}
		n.launch()
	}
	for _, n := range f.controls {
		n.ready()
	}
}

// databaseOf is the path of a database's URL.
func databaseOf(dsn string) string {
	return dsn[strings.LastIndex(dsn[:strings.Index(dsn, "?")], "/"):strings.Index(dsn, "?")]
}

// cli runs a command that needs no server.
func (f *fleet) cli(args ...string) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.root.Context(), commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, harness.Binary(f.t), args...)
	cmd.Env = harness.Environment(f.dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		f.t.Fatalf("fairlead %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// TestWiped starts the control plane on an empty database. That is another fleet: its nodes are strangers to it and serve what
// they know, until they are let in anew. Then everything is copied, and what the old fleet had is named.
func TestWiped(t *testing.T) {
	f := begin(t)
	f.scene("the database is wiped", func(t *testing.T) {
		old, err := f.controls[0].api().CreateKey(t.Context(), "of the old fleet")
		check(t, err)
		f.converged()
		f.replaceDatabase(func(string) {})
		f.admits(old.Secret, f.edges, http.StatusOK)
		f.traffic.judge(t) // until here no edge has gone
		for i, e := range f.edges {
			e.kill()
			check(t, os.Remove(filepath.Join(e.data, bus.IdentityFile)))
			again, err := f.controls[i%3].api().AddNode(t.Context(), e.name, "eu")
			check(t, err)
			e.join = again.Token
		}
		f.unconfigured(t)
		f.configure() // with another key for the callers
		head, err := f.store.Head(t.Context())
		check(t, err)
		for _, e := range f.edges {
			e.launch()
			e.join = ""
		}
		for _, e := range f.edges {
			f.at(e, head)
			e.ready()
		}
		f.admits(old.Secret, f.edges, http.StatusUnauthorized)
		f.wantLost(t, old.ID)
	})
}

// unconfigured holds that an edge which joined before there is any configuration refuses callers, again and again.
func (f *fleet) unconfigured(t *testing.T) {
	t.Helper()
	e := f.addEdge("early", "us")
	f.edges = f.edges[:4]
	e.launch()
	harness.Until(t, "the edge listens", func() bool {
		a, _ := f.ask(t.Context(), quick, e, f.key.Secret, false)
		return a.status != 0
	})
	keeps := &http.Client{Timeout: commandTime, Transport: &http.Transport{}} // on one connection
	defer keeps.CloseIdleConnections()
	for range 3 {
		if a, err := f.ask(t.Context(), keeps, e, f.key.Secret, false); a.status != http.StatusServiceUnavailable {
			t.Errorf("an edge without a configuration answers with status %d: %v", a.status, err)
		}
	}
	e.signal(syscall.SIGTERM)
	<-e.ended
	if log := e.log.String(); strings.Contains(log, "defect") || strings.Contains(log, "broken off") {
		t.Errorf("the edge's log is\n%s", tail(log))
	}
}
