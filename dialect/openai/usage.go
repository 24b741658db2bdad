package openai

import (
	"strconv"

	"fairlead"
	"fairlead/internal/jsonscan"
)

// rawUsage is a usage object as it stands on the wire, in the spellings of chat completions, responses,
// DeepSeek and xAI.
type rawUsage struct {
	prompt, completion, total  int64
	cached, written, reasoning int64
	heard, spoken, seen        int64 // sound in the prompt and in the completion, images in the prompt
	any                        bool
}

// ReadUsage reads a usage object of any of this wire's operations. That of embeddings has no output.
func (Dialect) ReadUsage(v jsonscan.Value) (fairlead.Usage, bool) { return readUsage(v) }

// readUsage reads a usage object; ok is false where it is none or says nothing.
func readUsage(v jsonscan.Value) (fairlead.Usage, bool) {
	var raw rawUsage
	w := v.Walk()
	for ok := w.Object(); ok; ok = w.More() {
		switch string(w.Name()) {
		case "prompt_tokens", "input_tokens":
			raw.count(&raw.prompt, w.Value())
		case "completion_tokens", "output_tokens":
			raw.count(&raw.completion, w.Value())
		case "total_tokens":
			raw.count(&raw.total, w.Value())
		case "prompt_cache_hit_tokens":
			raw.hit(w.Value())
		case "prompt_tokens_details", "input_tokens_details":
			raw.promptDetails(&w)
		case "completion_tokens_details", "output_tokens_details":
			raw.completionDetails(&w)
		}
	}
	return raw.normal(), raw.any
}

func (raw *rawUsage) promptDetails(w *jsonscan.Walk) {
	for ok := w.Object(); ok; ok = w.More() {
		switch string(w.Name()) {
		case "cached_tokens":
			raw.hit(w.Value())
		case "cache_write_tokens":
			raw.count(&raw.written, w.Value())
		case "audio_tokens":
			raw.count(&raw.heard, w.Value())
		case "image_tokens":
			raw.count(&raw.seen, w.Value())
		}
	}
}

func (raw *rawUsage) completionDetails(w *jsonscan.Walk) {
	for ok := w.Object(); ok; ok = w.More() {
		switch string(w.Name()) {
		case "reasoning_tokens":
			raw.count(&raw.reasoning, w.Value())
		case "audio_tokens":
			raw.count(&raw.spoken, w.Value())
		}
	}
}

// hit counts tokens read from a cache, which some servers state in two places.
func (raw *rawUsage) hit(v jsonscan.Value) {
	hit := int64(0)
	raw.count(&hit, v)
	raw.cached = max(raw.cached, hit)
}

// count reads a number of tokens. Some servers send floats; null leaves what another spelling said.
func (raw *rawUsage) count(to *int64, v jsonscan.Value) {
	n, ok := v.Int()
	if !ok && v.Kind() == jsonscan.KindNumber {
		f, err := strconv.ParseFloat(string(v), 64)
		n, ok = int64(min(max(f, 0), maxTokens)), err == nil
	}
	if ok {
		*to = min(max(n, 0), maxTokens)
		raw.any = true
	}
}

// normal makes price classes that do not overlap: their sums are what the provider reported.
func (raw *rawUsage) normal() fairlead.Usage {
	if raw.prompt == 0 && raw.total > raw.completion {
		raw.prompt = raw.total - raw.completion
	}
	if raw.reasoning > 0 && raw.total == raw.prompt+raw.completion+raw.reasoning {
		raw.completion += raw.reasoning
	}
	u := fairlead.Usage{Output: raw.completion, Reasoning: min(raw.reasoning, raw.completion)}
	u.CacheRead = min(raw.cached, raw.prompt)
	u.CacheWrite = min(raw.written, raw.prompt-u.CacheRead)
	u.Input = raw.prompt - u.CacheRead - u.CacheWrite
	u.AudioInput, u.AudioOutput = min(raw.heard, u.Input), min(raw.spoken, u.Output-u.Reasoning)
	u.ImageInput = min(raw.seen, raw.prompt)
	return u
}

// appendUsage writes a usage object.
func appendUsage(w *writer, u fairlead.Usage) {
	w.open('{')
	w.integer("prompt_tokens", u.Prompt())
	w.integer("completion_tokens", u.Output)
	w.integer("total_tokens", u.Total())
	w.name("prompt_tokens_details")
	w.open('{')
	w.integer("cached_tokens", u.CacheRead)
	w.integer("cache_write_tokens", u.CacheWrite)
	some(w, "audio_tokens", u.AudioInput)
	some(w, "image_tokens", u.ImageInput)
	w.close('}')
	w.name("completion_tokens_details")
	w.open('{')
	w.integer("reasoning_tokens", u.Reasoning)
	some(w, "audio_tokens", u.AudioOutput)
	w.close('}')
	w.close('}')
}

// some writes a count that most answers have nothing of.
func some(w *writer, name string, n int64) {
	if n > 0 {
		w.integer(name, n)
	}
}
