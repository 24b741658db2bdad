package meter_test

import (
	"testing"

	"fairlead"
	"fairlead/meter"
)

func TestUsage(t *testing.T) {
	reported := fairlead.Usage{Input: 7, Output: 3}
	if got := meter.Usage(meter.Reading{Reported: reported, HasUsage: true, Prompt: 99, Delivered: 99}); got != reported {
		t.Errorf("reported usage became %+v", got)
	}
	broken := meter.Usage(meter.Reading{Reported: reported, HasUsage: true, Broken: true, Delivered: 41})
	if want := (fairlead.Usage{Input: 7, Output: 11, Estimated: true}); broken != want {
		t.Errorf("usage of a broken answer is %+v, want %+v", broken, want)
	}
	if got := meter.Usage(meter.Reading{Reported: reported, HasUsage: true, Broken: true, Delivered: 1}); got != reported {
		t.Errorf("usage of a broken answer is %+v, want what was reported", got)
	}
	want := fairlead.Usage{Input: 10, Output: 3, Estimated: true}
	if got := meter.Usage(meter.Reading{Prompt: 10, Delivered: 9}); got != want {
		t.Errorf("estimate is %+v, want %+v", got, want)
	}
}

func TestCost(t *testing.T) {
	price := &fairlead.Price{Input: 150_000, Output: 600_000, CacheRead: 75_000, CacheWrite: 187_500}
	for _, c := range []struct {
		name  string
		price *fairlead.Price
		u     fairlead.Usage
		want  string
	}{
		{"unknown price is nil", nil, fairlead.Usage{Input: 1}, "nil"},
		{"all classes", price, fairlead.Usage{Input: 1000, CacheRead: 1000, CacheWrite: 1000, Output: 1000, Reasoning: 500}, "0.0010125"},
		{"a fraction of a nano-dollar is rounded half up", &fairlead.Price{Input: 500}, fairlead.Usage{Input: 1}, "0.000000001"},
		{"below half goes down", &fairlead.Price{Input: 499}, fairlead.Usage{Input: 1}, "0"},
		{"an answer for nothing", price, fairlead.Usage{}, "0"},
		{"a sum that does not fit is unknown", &fairlead.Price{Input: 1_000_000_000_000_000}, fairlead.Usage{Input: 1 << 62}, "nil"},
	} {
		got := "nil"
		if cost := meter.Cost(&fairlead.Endpoint{Price: c.price}, c.u); cost != nil {
			got = cost.String()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
