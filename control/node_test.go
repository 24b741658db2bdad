package control_test

import (
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"fairlead"
	"fairlead/control"
)

// joinable is a control plane that nodes can join; its tokens are their secret behind a prefix.
func joinable(o *control.Options) {
	o.NewJoinToken = func(name string, secret fairlead.Secret) (string, error) {
		return "fl-join-" + name + "-" + secret.Reveal(), nil
	}
}

func (p *plane) node(t *testing.T, name string) answer {
	t.Helper()
	for _, n := range p.json(t, "GET", "/control/v1/nodes", "", 200).data() {
		if n["name"] == name {
			return n
		}
	}
	return nil
}

func TestLifeOfANode(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	p := newPlane(t, joinable, func(o *control.Options) { o.Now = func() time.Time { return now } })
	made := p.json(t, "POST", "/control/v1/nodes", `{"name":"edge-1","region":"eu"}`, 201)
	secret := strings.TrimPrefix(made["token"].(string), "fl-join-edge-1-")
	if made["role"] != "edge" || made["expires"] != "2026-01-03T03:04:05Z" || len(secret) != 64 {
		t.Errorf("added: %v", made)
	}
	if twice := p.json(t, "POST", "/control/v1/nodes", `{"name":"edge-1"}`, 409); twice.code() != "conflict" {
		t.Errorf("again: %v", twice)
	}
	joined, _, err := p.store.JoinNode(t.Context(), sha256.Sum256([]byte(secret)), now, fairlead.Node{Public: []byte("public")}, fairlead.Act{At: now, By: "edge-1", Action: "node.join"})
	if err != nil || joined.Region != "eu" {
		t.Fatalf("the token does not join: %v, %v", joined, err)
	}
	if n := p.node(t, "edge-1"); n["live"] != false || n["joined"] != "2026-01-02T03:04:05Z" || n["lag"] != nil {
		t.Errorf("before it speaks: %v", n)
	}

	head, err := p.store.Head(t.Context())
	check(t, err)
	behind := head
	behind.Number--
	p.fleet.Hear(fairlead.NodeStatus{
		Name: "edge-1", Role: fairlead.RoleEdge, Region: "eu", Version: "v9", Position: behind, Revision: 3, Stale: true,
		ConfigError: "revision 4: no", Unresolved: []string{"${env:X}"}, At: now.Add(-time.Hour), // its clock is wrong
	})
	p.fleet.Hear(fairlead.NodeStatus{Name: "here", Role: fairlead.RoleAll, Position: head})
	n := p.node(t, "edge-1")
	if n["live"] != true || n["lag"] != 1.0 || n["stale"] != true || n["config_error"] != "revision 4: no" || n["revision"] != 3.0 || n["version"] != "v9" || !strings.Contains(n.text(), "${env:X}") {
		t.Errorf("after it spoke: %v", n)
	}
	if here := p.node(t, "here"); here["live"] != true || here["lag"] != 0.0 || here["added"] != nil {
		t.Errorf("a node that the store does not know: %v", here)
	}
	p.fleet.Hear(fairlead.NodeStatus{Name: "control-1", Role: fairlead.RoleControl, Position: head})
	if text := p.node(t, "control-1").text(); !strings.Contains(text, `"live":true`) || strings.Contains(text, `"revision"`) || strings.Contains(text, `"lag"`) {
		t.Errorf("a control node, which has no revision in force and no lag: %s", text)
	}
	now = now.Add(6 * time.Second)
	if n := p.node(t, "edge-1"); n["live"] != false || n["lag"] != 1.0 {
		t.Errorf("after its silence: %v", n)
	}
	if p.node(t, "here") != nil {
		t.Error("a node that nobody knows stays after its silence")
	}

	gone := p.json(t, "DELETE", "/control/v1/nodes/edge-1", "", 200)
	if gone["removed"] == nil || p.node(t, "edge-1") != nil {
		t.Errorf("removed: %v; listed: %v", gone, p.node(t, "edge-1"))
	}
	p.fleet.Hear(fairlead.NodeStatus{Name: "edge-1", Role: fairlead.RoleEdge}) // it may not know yet
	if n := p.node(t, "edge-1"); n != nil {
		t.Errorf("a removed node is listed: %v", n)
	}
	p.json(t, "POST", "/control/v1/nodes", `{"name":"edge-1","role":"control"}`, 400)
	p.json(t, "POST", "/control/v1/nodes", `{"name":"edge-1","role":"edge"}`, 201)
	p.showsNothingOf(t, secret)
}

// TestNameInUse holds that where two control nodes speak in one name it is shown whichever spoke last, as long as one of them says so.
func TestNameInUse(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	p := newPlane(t, joinable, func(o *control.Options) { o.Now = func() time.Time { return now } })
	speak := func(taken bool) {
		p.fleet.Hear(fairlead.NodeStatus{Name: "c1", Role: fairlead.RoleControl, NameTaken: taken})
	}
	speak(false)
	if n := p.node(t, "c1"); n["name_taken"] != nil {
		t.Errorf("one alone: %v", n)
	}
	speak(true)
	speak(false)
	if n := p.node(t, "c1"); n["name_taken"] != true {
		t.Errorf("two by turns: %v", n)
	}
	now = now.Add(6 * time.Second)
	speak(false)
	if n := p.node(t, "c1"); n["name_taken"] != nil {
		t.Errorf("one alone again: %v", n)
	}
}

// TestWaitForAll holds that a write which waits answers when the last live node stands at it, and says who does not.
func TestWaitForAll(t *testing.T) {
	p := applied(t)
	head, err := p.store.Head(t.Context())
	check(t, err)
	at := func(name string, role fairlead.Role, number int64) {
		p.fleet.Hear(fairlead.NodeStatus{Name: name, Role: role, Position: fairlead.Position{Log: head.Log, Number: number}})
	}
	at("a", fairlead.RoleEdge, 1)
	at("b", fairlead.RoleAll, 1)
	at("c", fairlead.RoleControl, 0)

	answered := make(chan answer)
	go func() { answered <- p.json(t, "PATCH", "/control/v1/endpoints/"+echo+"?wait=all", `{"weight":1}`, 200) }()
	for len(p.sent.all()) < 2 { // the write waits once it is published
		select {
		case a := <-answered:
			t.Fatalf("it did not wait: %v", a)
		case <-time.After(time.Millisecond):
		}
	}
	at("a", fairlead.RoleEdge, 2)
	at("b", fairlead.RoleAll, 2)
	if a := <-answered; a["behind"] != nil || a["applied"] != true {
		t.Errorf("all are there: %v", a)
	}
	at("b", fairlead.RoleAll, 3)
	at("d", fairlead.RoleEdge, 9)
	p.fleet.Hear(fairlead.NodeStatus{Name: "e", Role: fairlead.RoleEdge, Position: fairlead.Position{Log: "another", Number: 9}})
	if a := p.json(t, "PATCH", "/control/v1/endpoints/"+echo+"?wait=all", `{"weight":2}`, 200); a.list("behind") != "a e" {
		t.Errorf("a is behind, e in another log: %v", a)
	}
}

// TestWaitForTheUnheard holds that a control node which has just begun does not take a node that it has not heard for one that is away:
// it says that it is behind. Once it has listened for a while, silence counts.
func TestWaitForTheUnheard(t *testing.T) {
	now := time.Now()
	p := applied(t, joinable, func(o *control.Options) { o.Fleet = control.NewFleet(func() time.Time { return now }) })
	for _, name := range []string{"heard", "unheard", "added", "removed"} {
		made := p.json(t, "POST", "/control/v1/nodes", `{"name":"`+name+`"}`, 201)
		secret := strings.TrimPrefix(made["token"].(string), "fl-join-"+name+"-")
		if name != "added" { // which has not joined
			_, _, err := p.store.JoinNode(t.Context(), sha256.Sum256([]byte(secret)), time.Now(), fairlead.Node{}, fairlead.Act{By: name, Action: "node.join"})
			check(t, err)
		}
	}
	p.json(t, "DELETE", "/control/v1/nodes/removed", "", 200)
	_, err := p.store.SetNode(t.Context(), fairlead.Node{Name: "control-1", Role: fairlead.RoleControl, Added: now, Joined: now}, fairlead.Act{By: "control-1", Action: "node.start"})
	check(t, err)
	head, err := p.store.Head(t.Context())
	check(t, err)
	head.Number += 9
	p.fleet.Hear(fairlead.NodeStatus{Name: "heard", Role: fairlead.RoleEdge, Position: head})
	if a := p.json(t, "PATCH", "/control/v1/endpoints/"+echo+"?wait=all", `{"weight":1}`, 200); a.list("behind") != "unheard" {
		t.Errorf("one was not heard yet: %v", a)
	}
	now = now.Add(6 * time.Second)
	p.fleet.Hear(fairlead.NodeStatus{Name: "heard", Role: fairlead.RoleEdge, Position: head})
	if a := p.json(t, "PATCH", "/control/v1/endpoints/"+echo+"?wait=all", `{"weight":2}`, 200); a["behind"] != nil {
		t.Errorf("it has been silent: %v", a)
	}
}

// list gives a list of texts of an answer.
func (a answer) list(name string) string {
	list, _ := a[name].([]any)
	texts := []string{}
	for _, e := range list {
		texts = append(texts, e.(string))
	}
	return strings.Join(texts, " ")
}
