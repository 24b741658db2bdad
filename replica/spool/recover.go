package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"fairlead"
)

const (
	incarnationPrefix = "inc_"
	nextSuffix        = ".next"  // of a folder that is being made
	asideSuffix       = ".aside" // of one that is not shipped any more
	nodeFile          = "node"
	ackFile           = "acked"
)

// openIncarnation finds the folder in use, or makes one, and reads what it holds.
func (s *Spool) openIncarnation() error {
	dir, err := s.find()
	if err != nil {
		return err
	}
	if dir == "" {
		if dir, err = s.make(); err != nil {
			return err
		}
	}
	if err := s.load(dir); err != nil {
		return err
	}
	node, err := os.ReadFile(filepath.Join(dir, nodeFile))
	if err != nil {
		return err
	}
	if string(node) != s.Node {
		s.Log.Error("the spool is another node's: it is put aside, and a new one begins", "of", string(node))
		return s.renew(place{segment: -1})
	}
	return nil
}

// find gives the folder in use; "" = there is none. It ends what a killed process was about to do: a new incarnation
// whose predecessor is aside already takes its place.
func (s *Spool) find() (string, error) {
	files, err := os.ReadDir(s.root)
	if err != nil {
		return "", err
	}
	var used, next string
	for _, f := range files {
		path := filepath.Join(s.root, f.Name())
		switch name := f.Name(); {
		case !strings.HasPrefix(name, incarnationPrefix) || !f.IsDir():
		case strings.HasSuffix(name, asideSuffix):
			s.dropAside(path, f)
		case strings.HasSuffix(name, nextSuffix):
			next = path
		case used != "":
			return "", fmt.Errorf("%s has two spools, %s and %s: one of them must be moved away", s.root, filepath.Base(used), name)
		default:
			used = path
		}
	}
	switch {
	case next == "":
		return used, nil
	case used != "" || !prepared(next):
		return used, os.RemoveAll(next)
	}
	used = strings.TrimSuffix(next, nextSuffix)
	return used, errors.Join(os.Rename(next, used), syncFolder(s.root))
}

// prepared reports whether a folder has all that a new incarnation begins with.
func prepared(next string) bool {
	node, err := os.ReadFile(filepath.Join(next, nodeFile))
	list, err2 := segments(next)
	return err == nil && err2 == nil && len(node) > 0 && len(list) > 0
}

// dropAside removes a folder that was put aside so long ago that acknowledged lines of then are gone, too.
func (s *Spool) dropAside(path string, f os.DirEntry) {
	info, err := f.Info()
	if err != nil || time.Since(info.ModTime()) < s.Keep {
		return
	}
	if err := os.RemoveAll(path); err != nil {
		s.Log.Warn("remove old spool", "folder", path, "error", err)
		return
	}
	s.Log.Info("an old spool that was put aside is removed", "folder", path)
}

// make makes the folder of a new incarnation, empty.
func (s *Spool) make() (string, error) {
	next, err := s.prepare()
	if err != nil {
		return "", err
	}
	g, err := newSegment(next, 1)
	if err != nil {
		return "", err
	}
	if err := g.full(); err != nil {
		return "", err
	}
	dir := strings.TrimSuffix(next, nextSuffix)
	return dir, errors.Join(os.Rename(next, dir), syncFolder(s.root))
}

// prepare makes the folder of a new incarnation under a name that it does not keep, with the name of its node.
func (s *Spool) prepare() (string, error) {
	next := filepath.Join(s.root, fairlead.NewID(incarnationPrefix)+nextSuffix)
	if err := os.Mkdir(next, 0o700); err != nil {
		return "", err
	}
	f, err := create(filepath.Join(next, nodeFile))
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(s.Node)
	return next, errors.Join(err, f.Sync(), f.Close())
}

// load reads the segments of a folder. Lines in no frame are found, and what follows the last whole one is cut off.
func (s *Spool) load(dir string) error {
	numbers, err := segments(dir)
	if err != nil {
		return err
	}
	s.dir, s.incarnation = dir, strings.TrimSuffix(filepath.Base(dir), nextSuffix)
	for _, n := range numbers {
		g, err := openSegment(dir, n)
		if err != nil {
			return err
		}
		s.segments = append(s.segments, g)
	}
	if len(s.segments) == 0 {
		g, err := newSegment(dir, 1)
		if err != nil {
			return err
		}
		s.segments = append(s.segments, g)
	}
	s.number()
	if err := s.tails(); err != nil {
		return err
	}
	return s.loadAck()
}

// number gives each segment its frames. Where entries are lost at a segment's end, or altogether, the next segment tells
// how many there were.
func (s *Spool) number() {
	next := int64(0) // first sequence of the segments behind
	for i := len(s.segments) - 1; i >= 0; i-- {
		g := s.segments[i]
		if next > 0 {
			before := int64(0)
			if i > 0 {
				before = s.segments[i-1].last()
			}
			if g.first == 0 && before+1 < next {
				g.first = max(before+1, 1)
				if i == 0 || before == 0 {
					g.first = next - 1
				}
			}
			if g.first > 0 {
				g.count = next - g.first
			}
			g.cut = g.size
		}
		if g.first > 0 {
			next = g.first
		}
		s.last = max(s.last, g.last())
	}
}

// tails finds the lines that are in no frame. Only the last segment's end can be torn: what a killed process, or a lost
// machine, did not write to its end.
func (s *Spool) tails() error {
	for i, g := range s.segments {
		current := i == len(s.segments)-1
		if g.cut < g.size {
			found, err := scanFile(g.lines, g.cut, g.size)
			if err != nil {
				return fmt.Errorf("read segment %d: %w", g.number, err)
			}
			s.waiting += found.lines
			if torn := g.size - g.cut - found.whole; torn > 0 {
				s.Log.Warn("the spool's end is torn: what is no whole line is cut off", "segment", g.number, "bytes", torn)
				g.size = g.cut + found.whole
				if err := g.lines.Truncate(g.size); err != nil {
					return fmt.Errorf("cut off torn end: %w", err)
				}
			}
			if found.damaged > 0 {
				s.Log.Error("lines in the spool are damaged", "segment", g.number, "lines", found.damaged)
			}
		}
		if !current && g.cut == g.size {
			if err := g.full(); err != nil {
				return err
			}
		}
	}
	g := s.segments[len(s.segments)-1]
	s.born = place{g.number, g.size}
	s.dirty = s.waiting > 0
	if s.dirty {
		s.poke()
	}
	return nil
}

// ackSize is the size of what ackFile holds: a line as any, of a number in 20 digits.
const ackSize = overhead + 20

// loadAck reads up to where frames were acknowledged. Where that is lost all are sent again, which does no harm.
func (s *Spool) loadAck() (err error) {
	if s.ack, err = os.OpenFile(filepath.Join(s.dir, ackFile), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return err
	}
	b := make([]byte, ackSize)
	if _, err := s.ack.ReadAt(b, 0); err == nil {
		if t, ok := text(b); ok {
			s.acked, _ = strconv.ParseInt(string(t), 10, 64) // its sum is right, so it was written as a number
		}
	}
	s.acked = max(0, min(s.acked, s.last))
	s.after = s.acked
	s.count()
	return nil
}

func (s *Spool) writeAck() error {
	t := fmt.Appendf(nil, "%020d", s.acked)
	if _, err := s.ack.WriteAt(appendLine(nil, t, checksum(t)), 0); err != nil {
		return fmt.Errorf("note acknowledged frames: %w", err)
	}
	return nil
}

// count adds up what may not go.
func (s *Spool) count() {
	s.held = 0
	for i, g := range s.segments {
		if i == len(s.segments)-1 || !g.done(s.acked) {
			s.held += g.bytes()
		}
	}
}
