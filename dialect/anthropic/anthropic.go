// Package anthropic speaks Anthropic's Messages API (version 2023-06-01), in both directions.
//
// # Requests read from callers (ReadRequest)
//
// A null member counts as absent. Members of blocks and tools that are not named here are dropped.
//
//	model, messages, max_tokens    required; max_tokens 0 (only warm the cache) is refused: no other
//	                               dialect can ask for it
//	system                         text blocks, in order
//	messages[].role "system"       joins system, in order; its place among the turns is lost
//	text, image, tool_use,         carried; image and document sources of type "file" are refused
//	tool_result
//	document                       base64, url and text sources become files, title their name; content
//	                               sources, context and enabled citations are refused
//	thinking, redacted_thinking    carried with their signatures
//	search_result, server tools'   refused by name
//	blocks, container_upload, ...
//	cache_control                  of text, images, documents, tool blocks and tools carried; the
//	                               automatic one of the top level dropped
//	temperature, top_p, top_k,     carried
//	stop_sequences, stream
//	tools                          custom ones carried (name, description, input_schema, strict), any
//	                               other type refused
//	tool_choice                    carried, with disable_parallel_tool_use
//	thinking, output_config.effort become Thinking; effort beside disabled thinking has no effect
//	output_config.format           becomes Format
//	metadata.user_id               becomes User; other metadata is dropped
//	service_tier                   carried
//	context_management             dropped: the prompt is then used untrimmed
//	lists                          at most 100,000 blocks in all, those of system and tool results
//	                               among them, 10,000 tools and 1,024 stop_sequences
//	container, mcp_servers,        refused by name, like every field that is not in this table
//	fallbacks, inference_geo
//
// # Requests written for providers (WriteRequest)
//
//	max_tokens                  where the caller gave none: Target.MaxOutput; where that is unknown
//	                            too: 4096, plus the thinking budget
//	temperature > 1, n > 1,     refused, as are logprobs, top_logprobs, logit_bias and penalties
//	audio                       other than 0
//	stop                        refused where a sequence is nothing but white space
//	seed, verbosity, metadata   dropped
//	service_tier                dropped unless auto or standard_only
//	user                        becomes metadata.user_id
//	parallel tool calls off     disable_parallel_tool_use; tool_choice auto is added for it
//	tool_choice without tools   dropped where it is auto or none, refused otherwise
//	tool without a schema       gets {"type":"object","properties":{}}; strict false is the default
//	                            and not written
//	tool-call ids               written by dialect.EncodeToolID, those that it made before as they are
//	response format             a schema becomes output_config.format, name, description and strict
//	                            are dropped; any JSON object becomes a line of system text
//	text of white space only    skipped: the API refuses it
//	refusals of earlier turns   become text
//	images                      jpeg, png, gif and webp, or a URL; others refused; detail dropped
//	files                       PDF data or a URL become documents, UTF-8 text a text document, the
//	                            name their title; others refused
//	turns                       neighbours of one role merged; tool results go first in their message
//	first turn                  must be the user's: "(start of conversation)" is put before any other
//	last turn of the assistant  is a prefill: white space at its end is cut, for the API refuses it
//
// Thinking is written as follows. An effort becomes a budget: low 1024, medium 8192, high 16384, xhigh
// 32768, max 65536, but never more than half of max_tokens (1024 where that is more); none and minimal
// mean off. A budget of the caller's own that is not below max_tokens is lowered in the same way, one below
// 1024 raised to it. max_tokens is never raised. With less than 1025 max_tokens thinking is off. Adaptive thinking stays
// adaptive; beside it or a budget of the caller's own an effort becomes output_config.effort. Thinking
// is switched off for one request where the API would refuse it: where tools must be called (choice any
// or tool), where the last turn is a prefill, and where the trailing assistant turn called tools without
// signed thinking (that of another provider, or lost by the caller). While thinking is on, temperature,
// top_p and top_k are dropped; unsigned thinking of earlier turns is never sent, and no thinking of
// earlier turns while it is off.
//
// # Requests that pass (Mend)
//
// A request of this dialect for an endpoint of it passes byte by byte, but for what earlier turns of other
// providers would make the API refuse. Thinking without a signature and redacted thinking without data are
// left out, and so is a message that has nothing else. Where thinking is asked for and the trailing tool turn
// lacks signed thinking, thinking is disabled for this request and no thinking of earlier turns is sent. Only
// messages and thinking are replaced.
//
// # Answers
//
// Text, thinking, redacted thinking and tool calls are carried; blocks of server tools and citations are
// dropped in translation. The reason "refusal" is a filter, its explanation a refusal; "pause_turn" is a
// stop; "model_context_window_exceeded" a length; "error", of servers that imitate the API, a fault; without
// any reason an answer is not read.
// Written: ids that do not start with "msg_" get that prefix; refusals are text with the reason "refusal";
// an answer that calls tools and says no more than that it stopped has the reason "tool_use"; a call
// without an id gets one made of the answer's id.
//
// # Streams
//
// Read: unknown events, deltas and blocks are skipped; a stream is complete only after a reason to stop and
// message_stop, and message_stop without a reason is malformed. Counts of usage are totals, of which the
// last stands, but 0 takes no count away; until message_delta comes, Output is no more than what
// message_start says. Written: type encoder has the rules by which blocks never overlap and nothing is lost;
// the usage is right in message_delta, in message_start only where it is known so soon.
//
// # Errors
//
// Errors are written in Anthropic's envelope, with fairlead's stable code, and the field at fault where
// there is one, as extra fields of "error".
package anthropic

import (
	"errors"
	"strconv"
	"strings"

	"fairlead"
	"fairlead/dialect"
	"fairlead/internal/jsonscan"
)

// Dialect is Anthropic's Messages API.
type Dialect struct{}

// New gives the dialect.
func New() dialect.Dialect { return Dialect{} }

// Name is fairlead.Anthropic.
func (Dialect) Name() fairlead.Dialect { return fairlead.Anthropic }

func invalid(param, message string) error {
	return &fairlead.Error{Code: fairlead.CodeInvalidRequest, Param: param, Message: message}
}

func unsupported(param, message string) error {
	return &fairlead.Error{Code: fairlead.CodeUnsupportedParameter, Param: param, Message: message}
}

// inside puts the name of the object before the path of the field that err names.
func inside(name string, err error) error {
	var e *fairlead.Error
	if errors.As(err, &e) {
		if e.Param != "" && e.Param[0] != '[' {
			name += "."
		}
		e.Param = name + e.Param
	}
	return err
}

// element puts an element of an array, whose name follows from further out, before the path.
func element(i int, err error) error { return inside("["+strconv.Itoa(i)+"]", err) }

// named begins the message with the path of the field: what Anthropic's SDKs show is the message alone.
func named(err error) error {
	var e *fairlead.Error
	if errors.As(err, &e) && !strings.Contains(e.Message, e.Param) {
		e.Message = e.Param + ": " + e.Message
	}
	return err
}

// scanError says in the caller's terms why a body could not be scanned.
func scanError(err error) error {
	var e *jsonscan.Error
	code, message := fairlead.CodeInvalidJSON, "the body is not one valid JSON object"
	if errors.As(err, &e) {
		switch e.Kind {
		case jsonscan.Duplicate:
			code, message = fairlead.CodeDuplicateField, "a name stands twice in one object"
		case jsonscan.Depth:
			code, message = fairlead.CodeTooDeep, "the body nests too deep"
		case jsonscan.Names:
			code, message = fairlead.CodeInvalidRequest, "the body has too many names"
		}
		return &fairlead.Error{Code: code, Message: message, Param: e.Name, Err: err}
	}
	return &fairlead.Error{Code: code, Message: message, Err: err}
}
