package spool

import (
	"bytes"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"io"
	"slices"
)

// A line stands on the disk as the CRC-32C of its text in 8 hexadecimal digits, a space, the text and a newline: what
// is whole can be told from what is not, whatever stands before it, and people can read it.
const (
	sumDigits = 8
	overhead  = sumDigits + len(" \n")
	// maxLine bounds a line's text.
	maxLine = 16 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errLine says that a text cannot be a line.
var errLine = errors.New("a line of the spool has 1 to 16,384 bytes and no newline")

// appendLine appends a text's line to b.
func appendLine(b, text []byte, sum uint32) []byte {
	digits := [4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}
	b = append(hex.AppendEncode(b, digits[:]), ' ')
	return append(append(b, text...), '\n')
}

func checksum(text []byte) uint32 { return crc32.Checksum(text, castagnoli) }

func checkText(text []byte) error {
	if len(text) == 0 || len(text) > maxLine || bytes.IndexByte(text, '\n') >= 0 {
		return errLine
	}
	return nil
}

// text gives the text of a line that stands on the disk with its newline; false where it is not whole.
func text(line []byte) ([]byte, bool) {
	if len(line) <= overhead || line[sumDigits] != ' ' || line[len(line)-1] != '\n' {
		return nil, false
	}
	var digits [4]byte
	if _, err := hex.Decode(digits[:], line[:sumDigits]); err != nil {
		return nil, false
	}
	t := line[sumDigits+1 : len(line)-1]
	sum := uint32(digits[0])<<24 | uint32(digits[1])<<16 | uint32(digits[2])<<8 | uint32(digits[3])
	return t, sum == checksum(t)
}

// scanned is what a piece of the disk holds.
type scanned struct {
	texts   []byte // of the whole lines, each with a newline
	lines   int    // whole ones
	damaged int    // what stands between newlines and is no whole line
	whole   int64  // where the last whole line ends
}

// scanInto reads the lines of a piece, and passes by what is not whole to the next newline. What follows the last newline
// is no line yet. The texts go into memory of the caller's, as far as that has room.
func scanInto(texts, piece []byte) (s scanned) {
	at := int64(0)
	s.texts = slices.Grow(texts[:0], len(piece))
	for line := range bytes.Lines(piece) {
		at += int64(len(line))
		if line[len(line)-1] != '\n' {
			return s
		}
		t, ok := text(line)
		if !ok {
			s.damaged++
			continue
		}
		s.texts = append(append(s.texts, t...), '\n')
		s.lines++
		s.whole = at
	}
	return s
}

// pieceSize is how much of a file is looked at at once, where it may be all that an edge has to send.
const pieceSize = 1 << 20

// scanFile scans a part of a file that begins with a line, piece by piece, and leaves the texts out.
func scanFile(f io.ReaderAt, from, to int64) (all scanned, err error) {
	piece, texts := make([]byte, min(pieceSize, to-from)), []byte(nil)
	for at := from; at < to; {
		n := min(int64(len(piece)), to-at)
		if _, err := f.ReadAt(piece[:n], at); err != nil {
			return all, err
		}
		// Without a newline it is a part of what is no line: the next newline ends that.
		if end := int64(bytes.LastIndexByte(piece[:n], '\n') + 1); end > 0 {
			n = end
		}
		found := scanInto(texts, piece[:n])
		texts = found.texts
		all.lines += found.lines
		all.damaged += found.damaged
		if found.lines > 0 {
			all.whole = at - from + found.whole
		}
		at += n
	}
	return all, nil
}

// part gives how many bytes of a piece that begins with a line make a frame: lines, as long as they fit into most
// bytes, at least one. Bytes behind the last newline make none.
func part(piece []byte, most int) int {
	if len(piece) > most {
		if end := bytes.LastIndexByte(piece[:most], '\n'); end >= 0 {
			return end + 1
		}
		return bytes.IndexByte(piece, '\n') + 1
	}
	return bytes.LastIndexByte(piece, '\n') + 1
}
