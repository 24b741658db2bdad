package dialect

import (
	"encoding/base64"
	"strings"
)

// escaped starts an id that EncodeToolID had to change.
const escaped = "flx_"

// EncodeToolID gives a tool-call id that every dialect takes: letters, digits, '_' and '-', at most
// 64 of them. An id that is like that already stays as it is; any other becomes "flx_" and its
// base64url, which DecodeToolID undoes. An id too long to encode within 64 characters is encoded all
// the same: no id is ever cut, for two could become one.
func EncodeToolID(id string) string {
	if plainToolID(id) && !strings.HasPrefix(id, escaped) {
		return id
	}
	return escaped + base64.RawURLEncoding.EncodeToString([]byte(id))
}

// DecodeToolID undoes EncodeToolID; an id that EncodeToolID never made stays as it is.
func DecodeToolID(id string) string {
	if rest, ok := strings.CutPrefix(id, escaped); ok {
		if b, err := base64.RawURLEncoding.DecodeString(rest); err == nil {
			return string(b)
		}
	}
	return id
}

func plainToolID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
