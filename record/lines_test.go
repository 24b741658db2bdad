package record_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fairlead/record"
)

// file is a writer that counts its writes.
type file struct {
	mu     sync.Mutex
	text   bytes.Buffer
	writes int
}

func (f *file) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes++
	return f.text.Write(p)
}

func (f *file) seen() (string, int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text.String(), f.writes
}

func TestLinesAreWrittenInGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &file{}
		lines := record.NewLines(f)
		log := slog.New(lines.Handler(slog.NewTextHandler(lines, nil))).With("node", "a")
		log.Info("one")
		log.Info("two")
		if text, _ := f.seen(); text != "" {
			t.Errorf("written at once: %s", text)
		}
		time.Sleep(101 * time.Millisecond)
		synctest.Wait()
		if text, writes := f.seen(); writes != 1 || !strings.Contains(text, "msg=one node=a") || !strings.Contains(text, "msg=two") {
			t.Errorf("after 100 ms %d writes: %s", writes, text)
		}
		log.Info("three")
		log.Warn("four")
		if text, writes := f.seen(); writes != 2 || !strings.Contains(text, "msg=three") || !strings.Contains(text, "msg=four") {
			t.Errorf("a warning waits: %d writes: %s", writes, text)
		}
		log.Info("five")
		lines.Flush()
		if text, _ := f.seen(); !strings.Contains(text, "msg=five") {
			t.Errorf("not flushed: %s", text)
		}
	})
}

// TestLinesAreWhole holds that lines of many goroutines are all written, none inside another.
func TestLinesAreWhole(t *testing.T) {
	f := &file{}
	lines := record.NewLines(f)
	putMany(lines)
	lines.Flush()
	text, _ := f.seen()
	wantMany(t, text)
}

// TestLinesAreGrouped holds that what comes while a group is being written is one group, however much it is.
func TestLinesAreGrouped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &slowFile{asks: make(chan struct{}), nods: make(chan struct{})}
		lines := record.NewLines(f)
		_, _ = lines.Write([]byte(strings.Repeat("x", 33<<10)))
		<-f.asks // from here on a group is being written
		putMany(lines)
		f.nods <- struct{}{}
		<-f.asks
		f.nods <- struct{}{}
		lines.Flush()
		text, writes := f.seen()
		if writes != 2 {
			t.Errorf("%d writes of %d bytes, want 2", writes, len(text))
		}
		wantMany(t, strings.TrimLeft(text, "x"))
	})
}

// putMany writes 4000 lines from 8 goroutines at once.
func putMany(lines *record.Lines) {
	log := slog.New(slog.NewTextHandler(lines, nil))
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for j := range 500 {
				log.Info("line", "from", fmt.Sprintf("%d-%d;", i, j))
			}
		})
	}
	wait.Wait()
}

// wantMany holds that text is the lines of putMany.
func wantMany(t *testing.T, text string) {
	t.Helper()
	if n := strings.Count(text, "\n"); n != 4000 {
		t.Errorf("%d lines, want 4000", n)
	}
	for i := range 8 {
		for j := range 500 {
			if !strings.Contains(text, fmt.Sprintf(" from=%d-%d;\n", i, j)) {
				t.Fatalf("line %d-%d is missing or broken", i, j)
			}
		}
	}
}

// slowFile is a writer that tells of each write and waits for a nod before it.
type slowFile struct {
	file
	asks, nods chan struct{}
}

func (f *slowFile) Write(p []byte) (int, error) {
	f.asks <- struct{}{}
	<-f.nods
	return f.file.Write(p)
}

// TestSlowWriterHoldsNobodyUp holds that lines are taken while a group is being written, and stay in order.
func TestSlowWriterHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &slowFile{asks: make(chan struct{}), nods: make(chan struct{})}
		lines := record.NewLines(f)
		put := func(s string) { _, _ = lines.Write([]byte(s + "\n")) }
		long := strings.Repeat("x", 33<<10)
		put("one " + long) // would wait for ever if it waited for the write
		<-f.asks
		put("two")
		put("three")
		f.nods <- struct{}{}
		<-f.asks
		put("four")
		flushed := make(chan struct{})
		go func() {
			lines.Flush()
			close(flushed)
		}()
		f.nods <- struct{}{}
		<-f.asks
		f.nods <- struct{}{}
		<-flushed
		text, writes := f.seen()
		if want := "one " + long + "\ntwo\nthree\nfour\n"; text != want || writes != 3 {
			t.Errorf("%d writes: %d bytes, want %d", writes, len(text), len(want))
		}
	})
}

// TestStuckWriterStopsNobody holds that a log that takes nothing costs its lines, and no more: warnings and
// the end go on, memory is bounded, and what was lost is told once the log takes lines again.
func TestStuckWriterStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &slowFile{asks: make(chan struct{}), nods: make(chan struct{})}
		lines := record.NewLines(f)
		log := slog.New(lines.Handler(slog.NewTextHandler(lines, nil)))
		go log.Warn("first")
		<-f.asks
		begin := time.Now()
		for range 1000 {
			log.Warn("stuck", "pad", strings.Repeat("x", 2<<10))
		}
		if took := time.Since(begin); took > time.Second { // of the bubble's time
			t.Errorf("1000 warnings waited for %s", took)
		}
		lines.Flush()
		go func() {
			for range f.asks {
				f.nods <- struct{}{}
			}
		}()
		f.nods <- struct{}{}
		synctest.Wait()
		lines.Flush()
		synctest.Wait()
		close(f.asks)
		text, _ := f.seen()
		kept := strings.Count(text, "msg=stuck")
		if len(text) > 2<<20 || kept < 100 || !strings.Contains(text, fmt.Sprintf("lines=%d", 1000-kept)) || !strings.HasSuffix(text, "\n") {
			t.Errorf("%d of 1000 lines in %d bytes: ...%s", kept, len(text), text[max(0, len(text)-300):])
		}
	})
}
