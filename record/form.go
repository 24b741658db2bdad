package record

import (
	"log/slog"
	"strconv"
	"time"
)

// form is how a handler of slog writes its lines. The line of an exchange is written without slog where
// the handler's form is known, byte for byte as slog would: BenchmarkLog shows what that spares.
type form uint8

const (
	formOther form = iota
	formText
	formJSON
)

func formOf(h slog.Handler) form {
	switch h.(type) {
	case *slog.TextHandler:
		return formText
	case *slog.JSONHandler:
		return formJSON
	}
	return formOther
}

// append adds a line to b. It knows strings that need no escape, numbers and truth values; where
// there is anything else it gives false, and the line is slog's to write. Message and keys are words.
func (f form) append(b []byte, now time.Time, level slog.Level, message string, attrs []slog.Attr) ([]byte, bool) {
	switch f {
	case formText:
		b = appendMillis(append(b, "time="...), now)
		b = append(append(b, " level="...), level.String()...)
		b = append(append(b, " msg="...), message...)
	case formJSON:
		b = now.AppendFormat(append(b, `{"time":"`...), time.RFC3339Nano)
		b = append(append(b, `","level":"`...), level.String()...)
		b = append(append(append(b, `","msg":"`...), message...), '"')
	default:
		return b, false
	}
	for i := range attrs {
		var ok bool
		if b, ok = f.appendValue(f.appendKey(b, attrs[i].Key), attrs[i].Value); !ok {
			return b, false
		}
	}
	if f == formJSON {
		b = append(b, '}')
	}
	return append(b, '\n'), true
}

func (f form) appendKey(b []byte, key string) []byte {
	if f == formJSON {
		return append(append(append(b, `,"`...), key...), `":`...)
	}
	return append(append(append(b, ' '), key...), '=')
}

func (f form) appendValue(b []byte, v slog.Value) ([]byte, bool) {
	switch v.Kind() {
	case slog.KindString:
		s := v.String()
		if !plain(s) {
			return b, false
		}
		if f == formText && s != "" {
			return append(b, s...), true
		}
		return append(append(append(b, '"'), s...), '"'), true
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10), true
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool()), true
	}
	return b, false
}

// appendMillis writes a time with three decimals. The layout that package time writes without parsing
// it leaves trailing zeros out, so a fourth decimal is there while it writes.
func appendMillis(b []byte, t time.Time) []byte {
	const length = len("2006-01-02T15:04:05.000")
	from := len(b)
	b = t.Truncate(time.Millisecond).Add(100*time.Microsecond).AppendFormat(b, time.RFC3339Nano)
	return append(b[:from+length], b[from+length+1:]...)
}

// plain reports whether no form quotes or escapes any character of s.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=' {
			return false
		}
	}
	return true
}
