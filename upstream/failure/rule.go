package failure

import (
	"regexp"
	"slices"
	"strings"
)

// rule is a row of the catalogue: what it takes, and what that means. All that it states has to match.
type rule struct {
	name  string // of the row, for records
	at    string // places, separated by spaces; "" = everywhere
	on    []int  // statuses; 4 and 5 stand for their hundreds, 0 for none told; nil = any
	words string // one of these is stated as type, code or reason
	text  *regexp.Regexp
	home  string // places whose own words these are, as at; elsewhere they are no proof; "" = everywhere
	loose bool   // the text counts beside a code that says nothing known
	when  func(*seen) bool
	class
}

// in lists the statuses of a row.
func in(statuses ...int) []int { return statuses }

// begins makes the pattern of a text that begins so. It is matched against lower case.
func begins(pattern string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + pattern + `)`) }

// whole makes the pattern of a text that is this sentence and nothing else, but for its full stop.
func whole(pattern string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + pattern + `)\.?$`) }

// means is the class of a row that matched.
func (r *rule) means(s *seen) class {
	if r.home != "" && !listed(r.home, s.place) {
		return r.once()
	}
	return r.class
}

func (r *rule) matches(s *seen) bool {
	switch {
	case r.at != "" && !listed(r.at, s.place):
		return false
	case r.on != nil && !slices.Contains(r.on, s.status) && !slices.Contains(r.on, s.status/100):
		return false
	case r.words != "" && !s.hasAny(r.words):
		return false
	case r.text != nil && r.words == "" && !r.loose && !s.plain():
		return false
	case r.text != nil && !r.text.MatchString(s.text):
		return false
	}
	return r.when == nil || r.when(s)
}

// listed reports whether a list, separated by spaces, has a word.
func listed(list, word string) bool {
	for w := range strings.FieldsSeq(list) {
		if w == word {
			return true
		}
	}
	return false
}

func (s *seen) hasAny(list string) bool {
	for w := range strings.FieldsSeq(list) {
		if s.has(w) {
			return true
		}
	}
	return false
}

// plainWords say no more than a status does, so that a text may say what was meant.
const plainWords = "invalid_request_error badrequesterror invalid_argument validationexception validation validation_error " +
	"unprocessableentityerror invalid_request bad_request unknown_error invalid_prompt failed value_error " +
	"api_error server_error internalservererror internal_server_error service_unavailable_error unavailable_error " +
	"authentication_error authenticationerror rate_limit_error ratelimiterror not_found_error notfounderror not_found forbidden " +
	"permission_denied"

// plain reports whether no code or type says more than the status does.
func (s *seen) plain() bool {
	for _, w := range s.words {
		if !listed(plainWords, w) && strings.Trim(w, "0123456789") != "" {
			return false
		}
	}
	return true
}
