package fairlead

import (
	"crypto/sha256"
	"encoding/binary"
	mathrand "math/rand/v2"
	"strings"
	"time"
)

// idLetters are keyLetters in the order of their bytes, so that texts of equal length sort as the numbers
// that they spell.
const idLetters = "23456789abcdefghijkmnpqrstuvwxyz"

// idValues has the value of each letter, -1 for what is none: control reads the ids of all charge lines.
var idValues = func() (values [256]int8) {
	for i := range values {
		values[i] = int8(strings.IndexByte(idLetters, byte(i)))
	}
	return values
}()

// An exchange's id spells, 5 bits a letter behind its prefix: the milliseconds since 1970 (45 bits, until the
// year 3084), the node's Tag (20 bits) and random bits (60).
const (
	idPrefix   = "req_"
	idTime     = 9
	idTag      = 4
	idRandom   = 12
	idLength   = len(idPrefix) + idTime + idTag + idRandom
	letterBits = 5
)

// Tag is a short mark of a node: 20 bits of the SHA-256 of its name. Two nodes of a large fleet can have the
// same one.
type Tag uint32

// TagOf gives a node's tag.
func TagOf(node string) Tag {
	h := sha256.Sum256([]byte(node))
	return Tag(binary.BigEndian.Uint32(h[:]) >> (32 - idTag*letterBits))
}

// NewExchangeID makes the id of an exchange that begins on a node: 29 characters that sort by time, and by
// which its lines and records can be found (ParseID). It is unique, but no secret.
func NewExchangeID(node Tag, now time.Time) string {
	var id [idLength]byte
	b := append(id[:0], idPrefix...)
	b = spell(b, uint64(max(0, now.UnixMilli())), idTime)
	b = spell(b, uint64(node), idTag)
	return string(spell(b, mathrand.Uint64(), idRandom))
}

// ParseID reads the time (in milliseconds) and the node's tag from an exchange's id.
func ParseID(id string) (at time.Time, node Tag, ok bool) {
	if len(id) != idLength || id[:len(idPrefix)] != idPrefix {
		return time.Time{}, 0, false
	}
	rest := id[len(idPrefix):]
	millis, timeOK := unspell(rest[:idTime])
	tag, tagOK := unspell(rest[idTime : idTime+idTag])
	_, randomOK := unspell(rest[idTime+idTag:])
	if !timeOK || !tagOK || !randomOK {
		return time.Time{}, 0, false
	}
	return time.UnixMilli(int64(millis)).UTC(), Tag(tag), true
}

// spell appends the last bits of n in so many letters, the highest first.
func spell(b []byte, n uint64, letters int) []byte {
	for i := letters - 1; i >= 0; i-- {
		b = append(b, idLetters[n>>(i*letterBits)&(1<<letterBits-1)])
	}
	return b
}

func unspell(s string) (n uint64, ok bool) {
	for i := range len(s) {
		at := idValues[s[i]]
		if at < 0 {
			return 0, false
		}
		n = n<<letterBits | uint64(at)
	}
	return n, true
}
