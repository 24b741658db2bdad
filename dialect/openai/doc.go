// Package openai speaks the OpenAI wire: chat completions in both directions, and a watch over chat
// completions, completions, responses, embeddings and moderations that pass through unchanged.
//
// # What becomes of a request's fields
//
// ReadRequest maps a field, refuses it by name (CodeUnsupportedParameter), or drops it. A field that the
// table lacks is refused; null is as good as absent. Members deeper down that are not named here are
// dropped, for clients echo whole answers back.
//
//	model, temperature, top_p, top_k, n, seed, logprobs,      mapped
//	top_logprobs, logit_bias, frequency_penalty, verbosity,
//	presence_penalty, service_tier, metadata,
//	parallel_tool_calls, stream, stream_options.include_usage
//	messages                      mapped, see below
//	max_tokens                    mapped; max_completion_tokens goes before it
//	stop                          mapped; empty strings match nothing and are dropped
//	user                          mapped; safety_identifier goes before it
//	tools                         functions mapped; custom and other types refused
//	functions, function_call      mapped to tools and tool_choice; the answer says tool_calls
//	tool_choice                   mapped; allowed_tools and custom refused
//	response_format               json_schema and json_object mapped; text is the default
//	reasoning_effort              mapped; reasoning (effort, max_tokens, enabled, exclude) goes before it
//	modalities                    ["text"] is the default; any other refused
//	store                         true refused, false dropped
//	audio, prediction,            refused
//	web_search_options, moderation
//	stream_options.*,             dropped: they say how the answer is delivered or cached,
//	prompt_cache_key,             not what is in it
//	prompt_cache_retention, prompt_cache_options
//
// Messages: what system and developer messages say goes to System wherever they stand: their order is
// kept, their place among the turns is lost. Tool and function messages become tool results of a user
// message, before its other parts. Neighbours of one role become one message; empty text and messages
// without content are dropped, and so are names of speakers. Images are data: or http(s) URLs; files are
// data or URLs (file_id is refused); input_audio is mapped. Reasoning comes from reasoning_details
// (reasoning.text, reasoning.summary, reasoning.encrypted), else reasoning or reasoning_content; fragments
// of one reasoning.text are put together until its signature. Tool arguments must be a JSON object; empty
// or null ones are {}. cache_control of parts and tools is carried. All messages together may have 100,000
// parts; there may be 10,000 tools and 1,024 stop sequences. What ReadRequest gives may point into the body.
//
// # What becomes of the neutral form
//
// WriteRequest writes every field but for these:
//
//	Thinking          reasoning_effort: the effort as it is; a budget of up to 4096 tokens is low, up to
//	                  12288 medium, above it high; adaptive without an effort: nothing written;
//	                  off: none if the caller said none, else nothing written, for models that do
//	                  not think refuse the field
//	MaxTokens         max_completion_tokens
//	N > 1             refused: an answer in the neutral form is one choice
//	more than 4 stops refused
//	TopK              dropped: no sampling bound of this kind is part of this wire
//	Display, Cache    dropped
//	ServiceTier       auto is the default and not written; Anthropic's standard_only is default
//	tool_choice, parallel_tool_calls   dropped without tools, for OpenAI refuses them then
//	thinking of former turns           dropped: signatures and encrypted thinking are another provider's
//	IsError of a tool result           dropped: the result's text has to say it
//	order of an assistant turn         text first, then refusals, then tool calls
//	images and files in a tool result  moved into the user message that follows the results
//	text files                         written as text
//	files by URL, audio but wav and mp3   refused
//	a trailing assistant turn          written as it stands; whether it is continued is the server's way
//
// Tool-call ids are written through dialect.DecodeToolID; callers get ids as they are.
//
// # Answers
//
// The text of an answer is one part, after its reasoning and before refusal and tool calls. A finish_reason
// stop on an answer with tool calls means tool_calls. Arguments that are no JSON object (an answer cut
// short) are kept as {"INVALID_JSON": "..."} in whole answers, and flow as they are in streams. Usage is
// read in the spellings of OpenAI, DeepSeek and Groq; where total_tokens says that reasoning tokens come on
// top of completion_tokens (xAI), they are added. Answers of providers are read leniently: names that stand
// twice and halves of surrogate pairs, both grammatical JSON, do not break an exchange. But a whole answer
// without a finish_reason is not read: another wire would have to make one up for what may be half of it.
package openai
