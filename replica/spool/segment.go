package spool

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// segment is a pair of files: lines, and the entries of the frames that they were cut into.
type segment struct {
	number int64
	lines  *os.File // to be written; nil of a segment that is full
	window *window  // on what is written next; nil = lines are written one by one
	long   bool     // the file may go on behind the lines, with zeros
	frames *os.File // to be written; nil where all is cut
	size   int64    // bytes of lines
	synced int64    // of these, on the disk
	cut    int64    // of these, in frames
	first  int64    // sequence of the first frame; 0 = there is none
	count  int64    // frames
	wrote  time.Time
	failed bool // what was not synced must be written again before
}

const (
	linesSuffix  = ".lines"
	framesSuffix = ".frames"
)

func segmentPath(dir string, number int64, suffix string) string {
	return filepath.Join(dir, fmt.Sprintf("%012d", number)+suffix)
}

// newSegment makes the files of a segment that nothing was written to.
func newSegment(dir string, number int64) (*segment, error) {
	g := &segment{number: number, wrote: time.Now()}
	var err error
	if g.lines, err = create(segmentPath(dir, number, linesSuffix)); err != nil {
		return nil, err
	}
	if g.frames, err = create(segmentPath(dir, number, framesSuffix)); err != nil {
		return nil, errors.Join(err, g.close())
	}
	if err := syncFolder(dir); err != nil {
		return nil, errors.Join(err, g.close())
	}
	return g, nil
}

// create makes an empty file, in the place of one that a failure left.
func create(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
}

// openSegment reads what a segment's files say. The files are open for writing only as far as something is to be
// written: to the last segment, or entries of lines that were not cut.
func openSegment(dir string, number int64) (*segment, error) {
	g := &segment{number: number}
	path := segmentPath(dir, number, linesSuffix)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	g.wrote = info.ModTime()
	if g.lines, err = os.OpenFile(path, os.O_RDWR, 0o600); err != nil {
		return nil, err
	}
	if g.size, err = withoutZeros(g.lines, info.Size()); err != nil {
		return nil, errors.Join(err, g.close())
	}
	g.long = g.size < info.Size()
	if g.frames, err = os.OpenFile(segmentPath(dir, number, framesSuffix), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, errors.Join(err, g.close())
	}
	if err := g.readEntries(); err != nil {
		return nil, errors.Join(err, g.close())
	}
	return g, nil
}

// readEntries finds the first frame of the segment, and how far its lines were cut. What follows the last whole entry
// was cut, but not sent: it is written over.
func (g *segment) readEntries() error {
	info, err := g.frames.Stat()
	if err != nil {
		return err
	}
	n := info.Size() / int64(entrySize)
	for last := n - 1; last >= 0; last-- {
		e, ok, err := readEntryAt(g.frames, last)
		if err != nil {
			return err
		}
		if ok && e.to <= g.size && e.sequence > last {
			g.first, g.count, g.cut = e.sequence-last, last+1, e.to
			return nil
		}
	}
	return nil
}

func readEntryAt(f io.ReaderAt, i int64) (entry, bool, error) {
	var b [entrySize]byte
	_, err := f.ReadAt(b[:], i*int64(entrySize))
	if errors.Is(err, io.EOF) {
		return entry{}, false, nil
	}
	if err != nil {
		return entry{}, false, err
	}
	e, ok := readEntry(b[:])
	return e, ok, nil
}

// withoutZeros is a file's size without the room that was taken behind its lines, which hold no zero.
func withoutZeros(f io.ReaderAt, size int64) (int64, error) {
	piece := make([]byte, min(size, 64<<10))
	for size > 0 {
		from := max(0, size-int64(len(piece)))
		b := piece[:size-from]
		if _, err := f.ReadAt(b, from); err != nil {
			return 0, err
		}
		if b = bytes.TrimRight(b, "\x00"); len(b) > 0 {
			return from + int64(len(b)), nil
		}
		size = from
	}
	return 0, nil
}

// put writes a line, always where the last whole one ends: what a failed write left behind it is written over.
func (g *segment) put(line []byte) error {
	if !g.window.put(line, g.size) {
		if _, err := g.lines.WriteAt(line, g.size); err != nil {
			return err
		}
	}
	g.size += int64(len(line))
	return nil
}

// last is the sequence of the segment's last frame; 0 = there is none.
func (g *segment) last() int64 {
	if g.first == 0 {
		return 0
	}
	return g.first + g.count - 1
}

// bytes is what the segment takes of the disk.
func (g *segment) bytes() int64 { return g.size + g.count*int64(entrySize) }

// done reports whether all of the segment is in frames up to a sequence.
func (g *segment) done(acked int64) bool { return g.cut == g.size && g.last() <= acked }

// full closes the files of a segment to which nothing will be written, and gives back the room behind its lines.
func (g *segment) full() error {
	err := g.window.close()
	if g.long && g.lines != nil {
		err = errors.Join(err, g.lines.Truncate(g.size))
	}
	err = errors.Join(err, g.close())
	g.lines, g.frames, g.window, g.long = nil, nil, nil, false
	return err
}

func (g *segment) close() error {
	var errs []error
	for _, f := range []*os.File{g.lines, g.frames} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// segments lists the numbers of the segments of a folder, in order.
func segments(dir string) ([]int64, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var list []int64
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), linesSuffix)
		if n, err := strconv.ParseInt(name, 10, 64); ok && err == nil {
			list = append(list, n)
		}
	}
	slices.SortFunc(list, cmp.Compare)
	return list, nil
}

// syncFolder has the disk know which files a folder has.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
