package failure

import (
	"strings"

	"fairlead/internal/clip"
	"fairlead/internal/jsonscan"
)

// fill takes what an error value says, whatever its shape: a string, an array (its first element), or an
// object, which may hold another one. What is inside goes before what is around it.
func (s *seen) fill(v jsonscan.Value, depth int) {
	if depth > maxDepth {
		return
	}
	switch v.Kind() {
	case jsonscan.KindString:
		text, _ := v.Text()
		put(&s.fault.Message, text)
	case jsonscan.KindArray:
		for e := range v.Elements() {
			s.fill(e, depth+1)
			return
		}
	case jsonscan.KindObject:
		s.nested(v, depth)
		for name, m := range v.Members() {
			s.member(string(name), m, depth)
		}
		s.beside(v, depth)
	}
}

// nested goes into the members of an object that are errors themselves.
func (s *seen) nested(v jsonscan.Value, depth int) {
	for name, m := range v.Members() {
		switch string(name) {
		case "error":
			s.fill(m, depth+1)
		case "response", "x_groq": // of response.failed; of Groq's chunks
			inner, _ := m.Get("error")
			s.fill(inner, depth+1)
		case "choices", "candidates":
			for c := range m.Elements() {
				inner, _ := c.Get("error")
				s.fill(inner, depth+1)
				s.finish(c)
			}
		case "delta", "promptFeedback":
			s.finish(m)
		case "message": // Mistral puts FastAPI's detail into it
			if m.Kind() == jsonscan.KindObject {
				s.fill(m, depth+1)
			}
		case "detail":
			s.detail(m, depth)
		}
	}
}

// member reads one member that says something by itself.
func (s *seen) member(name string, m jsonscan.Value, depth int) {
	f := &s.fault
	switch name {
	case "message", "Message", "faultstring":
		put(&f.Message, m.Word())
	case "type", "error_type":
		s.say(&f.Type, m.Word())
		s.enveloped = s.enveloped || (depth == 0 && m.Word() == "error")
	case "__type":
		s.exception(m.Word())
	case "code", "errorcode":
		s.say(&f.Code, m.Word())
	case "reason":
		var spare string
		s.say(&spare, m.Word())
	case "status":
		s.stated(m)
	case "param":
		put(&f.Param, m.Word())
	case "success":
		told, ok := m.Bool()
		s.numbered = s.numbered || (ok && !told)
	case "originalStatusCode":
		n, _ := m.Int()
		s.origin = int(min(max(n, 0), 999))
	}
}

// stated reads a status: a number; Google's canonical code, which is its type; or the state of a job.
func (s *seen) stated(m jsonscan.Value) {
	w := m.Word()
	switch {
	case m.Kind() == jsonscan.KindNumber:
		s.say(&s.fault.Code, w)
	case w == strings.ToUpper(w):
		s.say(&s.fault.Type, w)
	default:
		var spare string
		s.say(&spare, w)
	}
}

// beside reads what goes after an object's own members.
func (s *seen) beside(v jsonscan.Value, depth int) {
	for name, m := range v.Members() {
		switch string(name) {
		case "errors", "fault", "innererror":
			s.fill(m, depth+1)
		case "metadata":
			s.metadata(m)
		case "availability":
			s.availability(m)
		case "details":
			s.details(m)
		}
	}
	s.finish(v)
}

// detail reads FastAPI's: a string, or a list of {loc, msg, type}. Apigee's is {errorcode}.
func (s *seen) detail(v jsonscan.Value, depth int) {
	if v.Kind() != jsonscan.KindArray {
		s.fill(v, depth+1)
		return
	}
	var messages, said []string
	for e := range v.Elements() {
		var loc []string
		path, _ := e.Get("loc")
		for step := range path.Elements() {
			if w := step.Word(); w != "body" && len(loc) < maxDepth {
				loc = append(loc, w)
			}
		}
		msg, _ := e.Get("msg")
		text := msg.Word()
		said = append(said, text)
		if len(loc) > 0 {
			put(&s.fault.Param, strings.Join(loc, "."))
			text = strings.Join(loc, ".") + ": " + text
		}
		kind, _ := e.Get("type")
		s.say(&s.fault.Type, kind.Word())
		if messages = append(messages, text); len(messages) == 16 {
			break
		}
	}
	if s.fault.Message == "" { // the caller's own names are told to it, and are none of the provider's words
		s.located, s.bare = true, strings.Join(said, "; ")
	}
	put(&s.fault.Message, strings.Join(messages, "; "))
}

// metadata reads OpenRouter's: the type in its own words, and why a moderator refused.
func (s *seen) metadata(v jsonscan.Value) {
	for name, m := range v.Members() {
		switch string(name) {
		case "error_type":
			s.say(&s.fault.Type, m.Word())
		case "reasons", "patterns":
			w := m.Walk()
			s.flagged = s.flagged || w.Array()
		}
	}
}

// availability reads OpenRouter's: why no endpoint of its own served the request.
func (s *seen) availability(v jsonscan.Value) {
	for name, m := range v.Members() {
		switch string(name) {
		case "code":
			var spare string
			s.say(&spare, m.Word())
		case "retryable":
			if told, ok := m.Bool(); ok {
				s.retryable = map[bool]truth{false: no, true: yes}[told]
			}
		case "retry_after":
			s.after = m
		}
	}
}

// details reads Google's: ErrorInfo's reason, QuotaFailure's quotas and RetryInfo's delay.
func (s *seen) details(v jsonscan.Value) {
	for d := range v.Elements() {
		for name, m := range d.Members() {
			switch string(name) {
			case "reason":
				var spare string
				s.say(&spare, m.Word())
			case "retryDelay":
				put(&s.delay, m.Word())
			case "violations":
				for e := range m.Elements() {
					if id, _ := e.Get("quotaId"); len(s.quotas) < maxWords && len(id.Word()) > 0 {
						s.quotas = append(s.quotas, clip.Text(id.Word(), maxWord))
					}
				}
			}
		}
	}
}

// finish reads why an answer ended, as a word that no code can be taken for.
func (s *seen) finish(v jsonscan.Value) {
	for _, name := range [...]string{"finish_reason", "finishReason", "stop_reason", "stopReason", "blockReason"} {
		if reason, ok := v.Get(name); ok && reason.Word() != "" {
			var spare string
			s.say(&spare, "end="+reason.Word())
		}
	}
}
