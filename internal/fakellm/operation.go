package fakellm

import (
	"mime"
	"net/http"
	"slices"
	"strings"
)

// operation is one thing that a provider does with a body.
type operation struct {
	path  string // below the base, such as /chat/completions
	shape shape  // how its errors look
	read  func(object) (*ask, *problem)
	voice voice             // of operations that generate text
	reply func(*ask) []byte // of those that answer at once
	index int               // in operations
}

// voice renders an answer in one wire.
type voice interface {
	plain(*answer) []byte
	flow(*answer) *flow
}

// operations lists what is served by POST, in the order of the docs.
var operations = []*operation{
	{index: 0, path: "/chat/completions", shape: openai, read: readChat, voice: chatVoice{}},
	{index: 1, path: "/completions", shape: openai, read: readText, voice: textVoice{}},
	{index: 2, path: "/responses", shape: openai, read: readResponses, voice: responsesVoice{}},
	{index: 3, path: "/embeddings", shape: openai, read: readEmbeddings, reply: embeddings},
	{index: 4, path: "/moderations", shape: openai, read: readModerations, reply: moderations},
	{index: 5, path: "/messages", shape: anthropic, read: readMessages, voice: messagesVoice{}},
	{index: 6, path: "/messages/count_tokens", shape: anthropic, read: readCount, reply: countTokens},
}

// unknown answers for paths that no operation has.
var unknown = &operation{shape: openai}

// bases are the prefixes at which vendors of OpenAI-compatible places put the same operations. Any
// other prefix is a mistake of the client, such as /v1/v1, and gets 404 as it would there.
var bases = []string{"/v1", "/api/v1", "/openai/v1", "/inference/v1"}

// findOperation gives the operation of a request. With a problem it still names the shape of the error.
func findOperation(r *http.Request) (*operation, *problem) {
	for _, base := range bases {
		rest, ok := strings.CutPrefix(r.URL.Path, base)
		if !ok {
			continue
		}
		for _, op := range operations {
			if op.path != rest {
				continue
			}
			if r.Method != http.MethodPost {
				return op, &problem{
					status: http.StatusMethodNotAllowed, kind: "invalid_request_error",
					message: "Not allowed to " + r.Method + " on " + r.URL.Path,
				}
			}
			return op, nil
		}
	}
	return unknown, &problem{
		status: http.StatusNotFound, kind: "invalid_request_error", alt: "not_found_error",
		message: "Invalid URL (" + r.Method + " " + r.URL.Path + ")",
	}
}

// checkHeaders refuses what a provider refuses before it reads the body.
func (s *Server) checkHeaders(r *http.Request, op *operation) *problem {
	if p := s.checkKey(r, op.shape); p != nil {
		return p
	}
	if op.shape == anthropic && r.Header.Get("Anthropic-Version") == "" {
		return &problem{status: http.StatusBadRequest, kind: "invalid_request_error", message: "anthropic-version: header is required"}
	}
	ct := r.Header.Get("Content-Type")
	if ct == "application/json" {
		return nil
	}
	if mt, _, err := mime.ParseMediaType(ct); err != nil || mt != "application/json" {
		return &problem{
			status: http.StatusUnsupportedMediaType, kind: "invalid_request_error", code: "unsupported_content_type",
			message: "Unsupported content type. This API method only accepts 'application/json' requests",
		}
	}
	return nil
}

// checkKey refuses a credential that is not one of Options.Keys.
func (s *Server) checkKey(r *http.Request, sh shape) *problem {
	if len(s.opts.Keys) == 0 {
		return nil
	}
	key := credential(r.Header)
	if slices.Contains(s.opts.Keys, key) && key != "" {
		return nil
	}
	p := *classes["invalid_key"].problem(sh)
	if key == "" {
		p.message = "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth."
		if sh == anthropic {
			p.message = "x-api-key header is required"
		}
	}
	return &p
}

// credential is the key that a request carries in whichever header.
func credential(h http.Header) string {
	for _, name := range []string{"X-Api-Key", "Api-Key", "X-Goog-Api-Key"} {
		if v := h.Get(name); v != "" {
			return v
		}
	}
	scheme, token, _ := strings.Cut(h.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "bearer") {
		return strings.TrimSpace(token)
	}
	return ""
}
