package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/app"
	"fairlead/internal/pgtest"
	"fairlead/test/harness"
)

const takenName = "another control node with this node's name runs"

// TestNameInUse holds that of two control nodes with one name on one database one says so, in its log and in its list of nodes,
// until it is alone.
func TestNameInUse(t *testing.T) {
	var server pgtest.Server
	defer func() { check(t, server.Close()) }()
	o := app.Options{Role: fairlead.RoleControl, Name: "c1", Database: server.Database(t), SecretKey: fairlead.NewSecret("a key of sixteen")}.Beating(50 * time.Millisecond)
	one := start(t, o)
	taken := func(n *node) bool {
		_, body := n.control(http.MethodGet, "/control/v1/nodes", "")
		return strings.Contains(body, `"name_taken":true`)
	}
	harness.Until(t, "it runs", func() bool {
		_, body := one.control(http.MethodGet, "/control/v1/nodes", "")
		return strings.Contains(body, `"live":true`)
	})
	two := start(t, o)
	harness.Until(t, "one of them knows", func() bool { return taken(one) || taken(two) })
	if taken(one) {
		one, two = two, one
	}
	if said := strings.Count(two.log.String(), takenName); said != 1 || !strings.Contains(two.log.String(), "--name") {
		t.Errorf("it said so %d times", said)
	}
	if strings.Contains(one.log.String(), takenName) || taken(one) {
		t.Error("the other one says so, too")
	}
	check(t, one.stop())
	harness.Until(t, "it knows that it is alone", func() bool { return !taken(two) && strings.Contains(two.log.String(), "any more") })
}

// TestOwnFormerLife holds that a control node which starts while the database has not ended the session of its former life takes
// itself for no other.
func TestOwnFormerLife(t *testing.T) {
	var server pgtest.Server
	defer func() { check(t, server.Close()) }()
	o := app.Options{Role: fairlead.RoleControl, Name: "c1", Database: server.Database(t), SecretKey: fairlead.NewSecret("a key of sixteen")}
	o = o.Beating(time.Minute) // no look comes within the test
	before := start(t, o)
	harness.Until(t, "it holds its name", before.app.HoldsName)
	n := start(t, o)
	harness.Until(t, "it runs", func() bool {
		_, body := n.control(http.MethodGet, "/control/v1/nodes", "")
		return strings.Contains(body, `"live":true`)
	})
	if n.app.HoldsName() {
		t.Error("both hold the name")
	}
	check(t, before.stop())
	harness.Until(t, "it holds its name, too", n.app.HoldsName)
	if strings.Contains(n.log.String(), takenName) {
		t.Error("it took itself for another node")
	}
}
