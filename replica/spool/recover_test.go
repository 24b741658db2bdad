package spool

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fairlead"
)

// left makes a spool as a killed process leaves it: lines on the disk, in frames by threes as far as cut says.
func left(t testing.TB, dir string, lines []string, cut int) (incarnation string) {
	t.Helper()
	s := open(t, dir, Options{Lines: 3, Every: never})
	for i := 0; i < cut; i += 3 {
		add(t, s, lines[i:i+3]...)
		drain(t, s, 3)
	}
	_, err := s.Rewind(0)
	check(t, err)
	s.mu.Lock()
	g := s.segments[0]
	s.mu.Unlock()
	check(t, s.Close())
	f, err := os.OpenFile(segmentPath(s.dir, 1, linesSuffix), os.O_WRONLY, 0)
	check(t, err)
	at := g.size
	for _, l := range lines[cut:] {
		b := appendLine(nil, []byte(l), checksum([]byte(l)))
		_, err := f.WriteAt(b, at)
		check(t, err)
		at += int64(len(b))
	}
	check(t, f.Close())
	return s.dir
}

// TestTornTail cuts the last line off at each of its bytes, and lets nonsense follow: what stands before it comes,
// and so does what is written afterwards.
func TestTornTail(t *testing.T) {
	lines := numbered(1, 8)
	size := len(appendLine(nil, []byte(lines[7]), 0))
	for _, cut := range []int{0, 6} {
		for short := 0; short <= size; short++ {
			for _, rest := range []string{"", "\x00\x00\x00", "deadbeef x", "x\n\x00\n"} {
				dir := t.TempDir()
				path := segmentPath(left(t, dir, lines, cut), 1, linesSuffix)
				b, err := os.ReadFile(path)
				check(t, err)
				check(t, os.WriteFile(path, append(b[:len(b)-short], rest...), 0o600))
				want := lines
				if short > 0 || rest == "x\n\x00\n" {
					want = lines[:7]
				}
				if short == 0 {
					want = lines
				}
				s := open(t, dir, Options{Every: time.Millisecond})
				add(t, s, "after")
				same(t, "lines", drain(t, s, len(want)+1), append(want[:len(want):len(want)], "after"))
				check(t, s.Close())
			}
		}
	}
}

// TestDamage alters a byte of each line in the middle: the others come, what is lost is counted, and the frame keeps
// its hash.
func TestDamage(t *testing.T) {
	lines := numbered(1, 8)
	for _, c := range []struct {
		cut  int   // lines in frames before
		want int64 // damaged
	}{{6, 1}, {0, 1}} {
		dir := t.TempDir()
		used := left(t, dir, lines, c.cut)
		before, err := os.ReadFile(segmentPath(used, 1, linesSuffix))
		check(t, err)
		for _, b := range []byte("\x00\n ~") {
			damaged := bytes.Clone(before)
			damaged[len(appendLine(nil, []byte(lines[0]), 0))+12] = b // in the second line
			check(t, os.WriteFile(segmentPath(used, 1, linesSuffix), damaged, 0o600))
			s := open(t, dir, Options{Every: time.Millisecond})
			f := next(t, s)
			if f.Lost != int(c.want) && b != '\n' || f.Lost == 0 {
				t.Errorf("lost %d lines, want %d", f.Lost, c.want)
			}
			got := drain(t, s, 7)
			same(t, "lines", got, append([]string{lines[0]}, lines[2:]...))
			if n := s.Stats().Damaged; n == 0 {
				t.Errorf("%d lines were counted", n)
			}
			_, err = s.Rewind(0)
			check(t, err)
			check(t, s.Close())
		}
	}
}

// TestLostEntries damages what says which lines are a frame: where it follows from what stands around it the frame is
// the same one, and no line is lost in any case.
func TestLostEntries(t *testing.T) {
	lines := numbered(1, 15)
	for _, c := range []struct {
		name    string
		damage  func(b []byte) []byte
		same    []int64 // frames with the hash they had
		another bool    // lines come in other frames
	}{
		{"nothing", func(b []byte) []byte { return b }, []int64{1, 2, 3, 4, 5}, false},
		{"the first", func(b []byte) []byte { b[3] ^= 1; return b }, []int64{1, 2, 3, 4, 5}, false},
		{"one in the middle", func(b []byte) []byte { b[2*entrySize+20] ^= 1; return b }, []int64{1, 2, 3, 4, 5}, false},
		{"two in the middle", func(b []byte) []byte { b[entrySize] ^= 1; b[2*entrySize] ^= 1; return b }, []int64{1, 4, 5}, false},
		{"the first two", func(b []byte) []byte { b[0] ^= 1; b[entrySize] ^= 1; return b }, []int64{3, 4, 5}, false},
		{"the last, torn", func(b []byte) []byte { return b[:len(b)-1] }, []int64{1, 2, 3, 4, 5}, false},
		{"the last two", func(b []byte) []byte { return b[:3*entrySize] }, []int64{1, 2, 3}, true},
		{"all", func([]byte) []byte { return nil }, nil, true},
	} {
		dir := t.TempDir()
		used := left(t, dir, lines, len(lines))
		s := open(t, dir, Options{})
		hashes := map[int64]fairlead.Hash{}
		for f, err := range s.Since(0) {
			check(t, err)
			hashes[f.Sequence] = f.Hash
		}
		check(t, s.Close())
		path := segmentPath(used, 1, framesSuffix)
		b, err := os.ReadFile(path)
		check(t, err)
		check(t, os.WriteFile(path, c.damage(b), 0o600))
		s = open(t, dir, Options{Every: time.Millisecond})
		same(t, c.name, drain(t, s, len(lines)), lines)
		for _, n := range c.same {
			f, err := s.Frame(n)
			check(t, err)
			if f.Hash != hashes[n] {
				t.Errorf("%s: frame %d is another one", c.name, n)
			}
		}
		if last := s.Stats().Last; (last != 5) != c.another && len(c.same) > 0 {
			t.Errorf("%s: the last frame is %d", c.name, last)
		}
		check(t, s.Close())
	}
}

// TestLostFiles removes files behind the spool's back: it goes on, and the frames that were in them have no lines.
func TestLostFiles(t *testing.T) {
	for _, c := range []struct {
		name string
		gone []string
		want int // lines
	}{
		{"entries of a segment", []string{"2" + framesSuffix}, 12},
		{"lines of a segment", []string{"2" + linesSuffix, "2" + framesSuffix}, 9},
		{"what was acknowledged", []string{ackFile}, 12},
	} {
		dir := t.TempDir()
		o := Options{Lines: 3, Every: never, Segment: 1}
		s := open(t, dir, o)
		for i := 1; i <= 12; i += 3 {
			add(t, s, numbered(i, i+2)...)
			drain(t, s, 3)
			rotated(t, s, i/3+2)
		}
		_, err := s.Rewind(0)
		check(t, err)
		check(t, s.Close())
		for _, name := range c.gone {
			if name != ackFile {
				name = "00000000000" + name
			}
			check(t, os.Remove(filepath.Join(s.dir, name)))
		}
		s = open(t, dir, Options{Every: time.Millisecond})
		add(t, s, "after")
		got := drain(t, s, c.want+1)
		if got[c.want] != "after" {
			t.Errorf("%s: %q", c.name, got)
		}
		check(t, s.Close())
	}
}

// rotated has the spool begin a new segment, as it does beside its other work.
func rotated(t testing.TB, s *Spool, segments int) {
	t.Helper()
	s.work(func() error { return nil })
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.segments) < segments {
		t.Fatalf("there are %d segments, want %d", len(s.segments), segments)
	}
}

// FuzzRecover opens a spool over whatever files there are: it opens, and what is written afterwards comes out behind what
// was there.
func FuzzRecover(f *testing.F) {
	dir := left(f, f.TempDir(), numbered(1, 8), 6)
	lines, err := os.ReadFile(segmentPath(dir, 1, linesSuffix))
	check(f, err)
	frames, err := os.ReadFile(segmentPath(dir, 1, framesSuffix))
	check(f, err)
	f.Add(lines, frames, []byte{}, []byte{}, []byte("x"))
	f.Add(lines, frames, lines, frames, []byte{})
	f.Add(lines, []byte{}, lines, frames, appendLine(nil, []byte("00000000000000000002"), checksum([]byte("00000000000000000002"))))
	f.Add(lines[:40], frames, lines, []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, lines1, frames1, lines2, frames2, acked []byte) {
		root := t.TempDir()
		dir := filepath.Join(root, "inc_1")
		check(t, os.Mkdir(dir, 0o700))
		for name, b := range map[string][]byte{
			nodeFile: []byte("edge-1"), ackFile: acked, "000000000001" + linesSuffix: lines1, "000000000001" + framesSuffix: frames1,
			"000000000002" + linesSuffix: lines2, "000000000002" + framesSuffix: frames2,
		} {
			check(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
		}
		s, err := Open(root, Options{Node: "edge-1", Every: time.Millisecond, Sync: time.Millisecond})
		check(t, err)
		add(t, s, "after")
		for i := 0; i < 1000; i++ {
			f := next(t, s)
			check(t, s.Ack(f.Incarnation, f.Sequence))
			if bytes.HasSuffix(f.Lines, []byte("after\n")) {
				check(t, s.Close())
				return
			}
		}
		t.Errorf("the line did not come within 1,000 frames: %+v", s.Stats())
		check(t, s.Close())
	})
}
