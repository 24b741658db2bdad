package bus_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"fairlead"
	"fairlead/bus"
)

// TestExistingCluster holds that all works over somebody else's NATS, and that who listens there learns no secret and can
// join by nothing that passed.
func TestExistingCluster(t *testing.T) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true, Username: "fl", Password: "pass"})
	check(t, err)
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	url := "nats://fl:pass@" + s.Addr().String()
	spy, err := nats.Connect(url, nats.CustomInboxPrefix("fl.inbox.paris")) // nothing keeps it from that there
	check(t, err)
	t.Cleanup(spy.Close)
	heard, err := spy.SubscribeSync(">")
	check(t, err)
	check(t, spy.Flush())

	f := newFleet(t)
	f.add("one", fairlead.RoleControl)
	b := startBus(t, bus.Options{Name: "one", NATS: url})
	eventually(t, "the connection", b.Connected)
	serve(t, b, f.h, "one")
	running(t, "joins", func(ctx context.Context) error { return bus.ServeJoins(ctx, b, f.authority, f.admission(b)) })
	text := f.token("paris")
	token, err := bus.ParseToken(text)
	check(t, err)
	var id *bus.Identity
	eventually(t, "to be let in", func() bool { // control may not listen yet
		id, err = bus.Join(t.Context(), text, bus.JoinOptions{Dir: t.TempDir(), NATS: url, Log: quiet()})
		return err == nil
	})
	d := newDisk()
	follow(t, startBus(t, bus.Options{Name: "paris", NATS: url}), d, bus.FollowOptions{})
	f.h.key("a")
	d.reach(t, 2)

	joins := 0
	check(t, spy.Flush()) // all that passed until now has come by then
	n, _, err := heard.Pending()
	check(t, err)
	for range n {
		m, err := heard.NextMsg(time.Second)
		check(t, err)
		if m.Subject == "fl.join.paris" {
			joins++
			got, err := spy.Request("fl.join.paris", m.Data, 5*time.Second)
			check(t, err)
			if got.Data[0] != '-' {
				t.Errorf("a request that passed lets in again: %q", got.Data)
			}
		}
		for what, secret := range map[string][]byte{"the token's secret": []byte(token.Secret), "a private key": id.Box, "the password": []byte("pass")} {
			if bytes.Contains(m.Data, secret) {
				t.Errorf("%s passed on %s", what, m.Subject)
			}
		}
	}
	if joins == 0 {
		t.Error("no request to join was seen")
	}
}
