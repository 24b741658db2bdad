package failure_test

import (
	"bufio"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"fairlead/upstream/failure"
)

var now = time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)

// line is one case of testdata: README.md there tells how it is written.
type line struct {
	at, name, want string
	evidence       failure.Evidence
}

func cases(t testing.TB) []line {
	t.Helper()
	files, err := filepath.Glob("testdata/*.test")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	var all []line
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		in := bufio.NewScanner(f)
		for n := 1; in.Scan(); n++ {
			if text := in.Text(); text != "" && text[0] != '#' {
				all = append(all, parse(t, filepath.Base(file)+":"+strconv.Itoa(n), text))
			}
		}
		if err := in.Err(); err != nil {
			t.Fatal(err)
		}
		_ = f.Close() // it was only read
	}
	return all
}

func parse(t testing.TB, at, text string) line {
	t.Helper()
	parts := strings.SplitN(text, " | ", 4)
	if len(parts) != 4 {
		t.Fatalf("%s: %d parts", at, len(parts))
	}
	end := strings.LastIndex(parts[3], " | ")
	if end < 0 {
		t.Fatalf("%s: nothing is wanted", at)
	}
	l := line{at: at, name: parts[0], want: parts[3][end+3:]}
	place, status, _ := strings.Cut(parts[1], " ")
	e := failure.Evidence{Place: strings.Trim(place, "-"), Now: now, Header: http.Header{}}
	status, e.InBand = strings.CutSuffix(status, "*")
	n, err := strconv.Atoi(status)
	if err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	e.Status = n
	for h := range strings.SplitSeq(strings.Trim(parts[2], "-"), "; ") {
		if name, value, ok := strings.Cut(h, ": "); ok {
			e.Header[name] = []string{value}
		}
	}
	if body := parts[3][:end]; body != "-" {
		e.Body = []byte(body)
	}
	l.evidence = e
	return l
}

// short writes a verdict as the cases want it. The fault's words are told only where they are wanted.
func short(v *failure.Verdict, want string) string {
	retry := ""
	for _, bit := range []struct {
		r failure.Retry
		s string
	}{{failure.Same, "S"}, {failure.Elsewhere, "E"}, {failure.LargerContext, "L"}, {failure.Fallback, "F"}} {
		if v.Retry.Has(bit.r) {
			retry += bit.s
		}
	}
	if retry == "" {
		retry = "-"
	}
	out := []string{string(v.Outcome), retry, [...]string{"no", "yes", "light", "cap", "key", "egress", "cfg"}[v.Health]}
	told := func(set bool, word string) {
		if set {
			out = append(out, word)
		}
	}
	told(v.Long, "long")
	told(v.AccountWide, "account")
	told(v.Unsure, "unsure")
	told(v.Wait != 0, "wait="+v.Wait.String())
	told(v.Dimension != "", "dim="+v.Dimension)
	told(v.Mend != failure.MendNone, "mend="+v.Mend.String())
	told(strings.Contains(want, " type="), "type="+v.Fault.Type)
	told(strings.Contains(want, " code="), "code="+v.Fault.Code)
	told(strings.Contains(want, " param="), "param="+v.Fault.Param)
	return strings.Join(out, " ")
}

// ordered writes what is wanted in the order of short.
func ordered(t *testing.T, want string) string {
	t.Helper()
	fields := strings.Fields(want)
	if len(fields) < 3 {
		t.Fatalf("too little is wanted: %q", want)
	}
	out, left := fields[:3:3], fields[3:]
	for _, name := range []string{"long", "account", "unsure", "wait=", "dim=", "mend=", "type=", "code=", "param="} {
		for i, f := range left {
			if f != name && (!strings.HasSuffix(name, "=") || !strings.HasPrefix(f, name)) {
				continue
			}
			if d, err := time.ParseDuration(strings.TrimPrefix(f, "wait=")); name == "wait=" && err == nil {
				f = "wait=" + d.String()
			}
			out, left = append(out, f), append(left[:i:i], left[i+1:]...)
			break
		}
	}
	if len(left) > 0 {
		t.Fatalf("unknown extras: %q", left)
	}
	return strings.Join(out, " ")
}

// TestCatalogue holds every row of the catalogue of upstream errors.
func TestCatalogue(t *testing.T) {
	all := cases(t)
	if len(all) < 250 {
		t.Errorf("only %d cases were read", len(all))
	}
	for _, c := range all {
		t.Run(c.at+" "+c.name, func(t *testing.T) {
			v := failure.Classify(c.evidence)
			if got, want := short(&v, c.want), ordered(t, c.want); got != want {
				t.Errorf("row %q\n got %s\nwant %s", v.Row, got, want)
			}
		})
	}
}
