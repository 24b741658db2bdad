package failure

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"fairlead"
	"fairlead/internal/clip"
	"fairlead/internal/jsonscan"
)

const (
	maxMessage = 4 << 10 // of a provider's words that a Fault keeps
	maxWord    = 256     // of a type, code or param
	maxWords   = 24      // that are looked at
	maxDepth   = 6       // of error in error
	maxRescan  = 1 << 20 // bytes of a body that is worth a second look
)

// truth is a boolean that may not be told.
type truth uint8

const (
	untold truth = iota
	no
	yes
)

// seen is the evidence as rules look at it.
type seen struct {
	fault     Fault
	place     string
	status    int // the answer's, or inside a success the one that its words stand for; 0 = unknown
	inBand    bool
	html      bool
	words     []string // every type, code and reason that is stated, in lower case
	text      string   // the message in lower case, its beginning
	located   bool     // the message names fields of the caller's, which bare leaves out
	bare      string
	enveloped bool // the error stands in an envelope of Anthropic's: a type of its own beside it
	numbered  bool // Workers AI's envelope: its codes are its own numbers
	flagged   bool // a moderator's reasons stand beside it
	requestID bool // the API itself answered, not a proxy before it
	retryable truth
	origin    int      // status of the server behind the one that answered
	quotas    []string // Google's names of what is used up
	delay     string   // Google's RetryInfo
	after     jsonscan.Value
}

// see reads the evidence.
func see(e *Evidence) seen {
	s := seen{place: strings.ToLower(e.Place), status: e.Status, inBand: e.InBand}
	if s.place == "" && e.Dialect == fairlead.Anthropic {
		s.place = string(fairlead.Anthropic) // only servers of that API speak it, whatever they are called
	}
	s.header(e)
	s.body(e.Body)
	f := &s.fault
	f.Message = clip.Text(f.Message, maxMessage)
	f.Type, f.Code, f.Param = clip.Text(f.Type, maxWord), clip.Text(f.Code, maxWord), clip.Text(f.Param, maxWord)
	if s.text = strings.ToLower(f.Message); s.located {
		s.text = strings.ToLower(clip.Text(s.bare, maxMessage))
	}
	if n, err := strconv.Atoi(f.Code); err == nil && n >= 400 && n < 600 && f.Status == 0 && !s.numbered {
		f.Status = n
	}
	if e.InBand {
		s.status = s.standsFor()
	}
	return s
}

// header reads what the headers say of the error. AWS names the exception there: with a URL behind a colon
// or a namespace before a hash.
func (s *seen) header(e *Evidence) {
	h := e.Header
	s.requestID = h.Get("Request-Id") != ""
	name := h.Get("X-Amzn-Errortype")
	if v := h[":exception-type"]; name == "" && len(v) > 0 {
		name = v[0]
	}
	s.exception(name)
}

func (s *seen) exception(name string) {
	name, _, _ = strings.Cut(name, ":")
	if i := strings.LastIndexByte(name, '#'); i >= 0 {
		name = name[i+1:]
	}
	s.say(&s.fault.Type, strings.TrimSpace(name))
}

// body reads a body that may be no JSON at all.
func (s *seen) body(body []byte) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if len(body) == 0 {
		return
	}
	if body[0] == '<' {
		s.html, s.fault.Message = true, title(body)
		return
	}
	v, ok := scan(body)
	if !ok {
		s.fault.Message = string(body[:min(len(body), maxMessage)])
		return
	}
	s.fill(v, 0)
}

// scan checks a value of any kind. Grammatical JSON that jsonscan refuses (a name twice, half of a
// surrogate pair) is made sound first: the last of two stands.
func scan(body []byte) (jsonscan.Value, bool) {
	var o jsonscan.Object
	if body[0] == '{' && o.Scan(body) == nil {
		return body, true
	}
	if body[0] != '{' { // a member makes an object of any value
		text := append(append([]byte(`{"":`), body...), '}')
		if o.Scan(text) == nil && len(o.Members) == 1 {
			return o.Value(&o.Members[0]), true
		}
	}
	if len(body) > maxRescan || !json.Valid(body) {
		return nil, false
	}
	var sound any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(&sound) != nil {
		return nil, false
	}
	text, err := json.Marshal(sound)
	if err != nil || o.Scan(append(append([]byte(`{"":`), text...), '}')) != nil {
		return nil, false
	}
	return o.Value(&o.Members[0]), true
}

// say keeps a word for the rules, and for the fault where it has none yet. The envelope's own words say no
// more than that it is an error.
func (s *seen) say(to *string, word string) {
	switch word {
	case "", "error", "response.failed", "response.error":
		return
	}
	put(to, word)
	if len(s.words) < maxWords && len(word) <= maxWord {
		s.words = append(s.words, strings.ToLower(word))
	}
}

// has reports whether a word, given in lower case, is stated.
func (s *seen) has(word string) bool {
	for _, w := range s.words {
		if w == word {
			return true
		}
	}
	return false
}

// put sets a field that is still empty.
func put(to *string, s string) {
	if *to == "" {
		*to = s
	}
}

// title gives the title of a page; nothing else of a page is worth keeping.
func title(page []byte) string {
	_, rest, _ := bytes.Cut(page, []byte("<title>"))
	text, _, _ := bytes.Cut(rest, []byte("</title>"))
	return strings.TrimSpace(string(text[:min(len(text), maxMessage)]))
}
