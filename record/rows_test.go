package record

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fairlead"
)

// batches takes all that there is, and checks what holds of every batch.
func (w *Rows) batches(t *testing.T) (rows []fairlead.StoredRecord, seconds []fairlead.RecordSecond) {
	t.Helper()
	for {
		b, _ := w.take(time.Now())
		if len(b.Rows) == 0 && len(b.Seconds) == 0 {
			return rows, seconds
		}
		p, err := b.MarshalBinary()
		if err != nil || len(p) > fairlead.MaxBatch || b.Node != "edge-1" {
			t.Fatalf("a batch of %q has %d bytes, %v", b.Node, len(p), err)
		}
		list, bad := b.Records()
		if bad != 0 {
			t.Fatalf("%d rows of %q are bad", bad, b.Rows)
		}
		rows, seconds = append(rows, list...), append(seconds, b.Seconds...)
	}
}

// ended makes a record of an exchange that ends now.
func ended(change func(*fairlead.Record)) *fairlead.Record {
	now := time.Now()
	r := &fairlead.Record{
		Request:  fairlead.Request{ID: fairlead.NewExchangeID(fairlead.TagOf("edge-1"), now), Operation: fairlead.OpChat, Dialect: fairlead.OpenAI, Model: "fast"},
		Start:    now,
		Attempts: []fairlead.Attempt{{Endpoint: "a/m@p", Outcome: fairlead.OutcomeOK, Status: 200}},
	}
	if change != nil {
		change(r)
	}
	return r
}

// TestRow holds that a row says what the record does.
func TestRow(t *testing.T) {
	r := whole()
	r.Start, r.Code, r.Err = time.UnixMicro(1_800_000_000_000_001), fairlead.CodeInternal, errors.New("a \"cause\"\n")
	r.Model = strings.Repeat("m", 5000)
	r.Usage.AudioInput, r.Usage.AudioOutput, r.Usage.ImageInput, r.Usage.Images = 6, 3, 2, 1
	r.Normal = fairlead.Normal{Prompt: 17, Output: 12}
	r.Shut = []string{"a/m@\"q", "a/m@r"}
	r.Attempts[0].Start, r.Attempts[0].Detail, r.Attempts[0].After = time.Millisecond, "a detail", true
	var got fairlead.StoredRecord
	if err := json.Unmarshal(appendRow(nil, r, fairlead.KeptFailure), &got); err != nil {
		t.Fatal(err)
	}
	want := fairlead.StoredRecord{
		ID: "req_1", At: 1_800_000_000_000_001, Kept: fairlead.KeptFailure, Operation: "chat", Dialect: fairlead.Anthropic, Model: clip(r.Model), Served: "a/m",
		Endpoint: "a/m@p~two", Key: "key_1", Account: "acc_1", Team: "team_1", CallerID: "trace-7", Revision: 3, Trial: "trial_1", Stream: true, Translated: true, Status: 200, Code: fairlead.CodeInternal,
		Error: "a \"cause\"\n", Input: 10, CacheRead: 4, CacheWrite: 2, Output: 11, Reasoning: 5, AudioInput: 6, AudioOutput: 3, ImageInput: 2, Images: 1, NormalPrompt: 17,
		NormalOutput: 12, Estimated: true, Cost: r.Cost, TTFT: 100_000,
		Duration: 1_100_000, Overhead: 80, BytesIn: 1, BytesOut: 2,
		Attempts: []fairlead.StoredAttempt{{Endpoint: "a/m@p~two", Start: 1000, Status: 200, Outcome: fairlead.OutcomeOK, Detail: "a detail", After: true}},
		Shut:     []string{"a/m@\"q", "a/m@r"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("row %+v, want %+v", got, want)
	}
	r.Tried = false // it went by the revision beside the one on trial
	if row := appendRow(nil, r, fairlead.KeptFailure); bytes.Contains(row, []byte("trial")) {
		t.Errorf("row %s", row)
	}
}

// TestKept holds which exchanges are kept whatever comes beside them.
func TestKept(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*fairlead.Record)
		want   fairlead.Kept
	}{
		{"an ordinary one", nil, fairlead.KeptSample},
		{"a failed one", func(r *fairlead.Record) { r.Code = fairlead.CodeUpstreamFailed }, fairlead.KeptFailure},
		{"one that was failed over", func(r *fairlead.Record) {
			r.Attempts = append(r.Attempts, fairlead.Attempt{Outcome: fairlead.OutcomeTimeout})
		}, fairlead.KeptFailure},
		{"one beside another", func(r *fairlead.Record) {
			r.Attempts = append(r.Attempts, fairlead.Attempt{Outcome: fairlead.OutcomeSuperseded})
		}, fairlead.KeptSample},
		{"a slow one", func(r *fairlead.Record) { r.TTFT = slowStart }, fairlead.KeptSlow},
		{"one that fairlead was slow with", func(r *fairlead.Record) { r.Overhead = slowOverhead }, fairlead.KeptSlow},
		{"one with a long answer", func(r *fairlead.Record) { r.Duration = time.Hour }, fairlead.KeptSample},
	} {
		if got := kept(ended(c.change)); got != c.want {
			t.Errorf("%s is kept as %q, want %q", c.name, got, c.want)
		}
	}
}

// TestSample holds that of the ordinary exchanges of a second so many are kept, each with the same chance, that failures
// are kept beside them, and that what was left out is counted.
func TestSample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const each, most, rounds = 1000, 100, 60
		w := NewRows("edge-1", func() int { return most })
		place := map[string]int{}
		drawn := make([]int, 10) // tenths of the second
		for range rounds {
			for i := range each {
				r := ended(nil)
				place[r.ID] = i * len(drawn) / each
				w.Left(r)
				if i%100 == 0 {
					w.Left(ended(func(r *fairlead.Record) { r.Code = fairlead.CodeUpstreamFailed }))
				}
			}
			time.Sleep(time.Second)
			rows, seconds := w.batches(t)
			failures := 0
			for _, r := range rows {
				if r.Kept == fairlead.KeptFailure {
					failures++
					continue
				}
				drawn[place[r.ID]]++
			}
			if failures != each/100 || len(rows) != most+failures {
				t.Fatalf("%d rows, %d failures", len(rows), failures)
			}
			want := fairlead.RecordSecond{Second: time.Now().Unix() - 1, Seen: each + each/100, Kept: most + each/100, LeftOut: each - most}
			if len(seconds) != 1 || seconds[0] != want {
				t.Fatalf("seconds %+v, want %+v", seconds, want)
			}
		}
		mean := float64(most*rounds) / float64(len(drawn))
		for i, n := range drawn {
			if math.Abs(float64(n)-mean) > 6*math.Sqrt(mean) {
				t.Errorf("tenth %d of the second: %d were drawn, about %.0f want to be", i, n, mean)
			}
		}
	})
}

// TestQuiet holds that few exchanges are all kept, and come once their second is over; no limit keeps none.
func TestQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := 5
		w := NewRows("edge-1", func() int { return limit })
		got := make(chan fairlead.RecordBatch)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			for {
				b, err := w.Batch(ctx)
				if err != nil {
					close(got)
					return
				}
				got <- b
			}
		}()
		r := ended(nil)
		w.Left(r)
		b := <-got
		if list, _ := b.Records(); len(list) != 1 || list[0].ID != r.ID || time.Since(r.Start) > time.Second {
			t.Errorf("batch %s after %s", b.Rows, time.Since(r.Start))
		}
		limit = 0
		time.Sleep(time.Second)
		w.Left(ended(nil))
		if b := <-got; len(b.Rows) != 0 || len(b.Seconds) != 1 || b.Seconds[0].LeftOut != 1 {
			t.Errorf("batch %+v", b)
		}
		cancel()
		<-got
	})
}

// TestRowsBounded holds that what nobody takes is dropped and counted, and that a flood at the door leaves room.
func TestRowsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewRows("edge-1", func() int { return 10 })
		flood := 0
		for ; w.Stats().Dropped == 0; flood++ {
			w.Left(ended(func(r *fairlead.Record) { r.Code, r.Attempts = fairlead.CodeInvalidKey, nil }))
		}
		if n := len(w.queue); n > rowsMost/2 || n < rowsMost/4 {
			t.Errorf("a flood at the door holds %d bytes", n)
		}
		w.Left(ended(func(r *fairlead.Record) { r.Code, r.Intended = fairlead.CodeUpstreamFailed, true }))
		w.Left(ended(nil))
		time.Sleep(time.Second)
		rows, seconds := w.batches(t)
		if len(rows) != flood+1 || rows[flood-1].Code != fairlead.CodeUpstreamFailed || rows[flood].Kept != fairlead.KeptSample {
			t.Errorf("%d rows of %d", len(rows), flood+2)
		}
		if len(seconds) != 1 || seconds[0].Dropped != 1 || seconds[0].Seen != int64(flood+2) || seconds[0].Kept != int64(flood+1) {
			t.Errorf("seconds %+v of %d", seconds, flood+2)
		}
	})
}
