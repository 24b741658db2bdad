package cli

import (
	"testing"
	"time"

	"fairlead/client"
)

// TestShowHealth holds that what is not known is not shown as well.
func TestShowHealth(t *testing.T) {
	until := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	open := &client.Health{State: "open", Reason: "failing", Until: until}
	for _, c := range []struct {
		e    client.Endpoint
		want string
	}{
		{client.Endpoint{}, "-"},
		{client.Endpoint{Fleet: &client.Fleet{}}, "-"},
		{client.Endpoint{Fleet: &client.Fleet{Edges: 2}}, "ok"},
		{client.Endpoint{Health: open}, "open (failing) until " + showTime(until)},
		{client.Endpoint{Health: open, Fleet: &client.Fleet{Edges: 1, Shut: 1, Reason: "failing"}}, "open (failing) until " + showTime(until)},
		{client.Endpoint{Health: &client.Health{State: "closed", Share: 25, Reason: "recovering"}, Fleet: &client.Fleet{Edges: 3, Shut: 1, Reduced: 1, Reason: "failing"}}, "25 % (recovering); shut at 1 of 3 edges (failing)"},
		{client.Endpoint{Fleet: &client.Fleet{Edges: 2, Reduced: 1, Reason: "recovering"}}, "reduced at 1 of 2 edges (recovering)"},
	} {
		if got := showHealth(&c.e); got != c.want {
			t.Errorf("%+v: %q, want %q", c.e, got, c.want)
		}
	}
}
