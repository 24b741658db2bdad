package failure

import "net/http"

// vendorRules are what a place means by a status, a code or a text that means something else elsewhere.
// The first that matches wins.
var vendorRules = []rule{
	{name: "anthropic/conflict", at: "anthropic", on: in(409), class: serverSide.at(Same).is(Nothing)},
	{name: "anthropic/timeout", at: "anthropic", on: in(408, 504, 524), class: slow.at(anywhere)},

	{name: "azure/network", at: "azure", on: in(403), text: begins(`access denied due to virtual network/firewall rules`), loose: true, class: abroad},
	{name: "azure/demand", at: "azure", on: in(429), text: begins(`the system is currently experiencing high demand`), loose: true, class: overloaded.at(Elsewhere | Fallback).is(Capacity)},
	{name: "azure/timeout", at: "azure", on: in(408, 504), class: slow},
	{name: "azure/server", at: "azure", on: in(500, 502, 503), class: serverSide.at(Elsewhere | Fallback)},

	{name: "vertex/token", at: "vertex", on: in(401), class: badKey.at(Same).is(Nothing).mended(MendCredential)},
	{name: "vertex/wrapped", at: "vertex gemini", on: in(5), when: func(s *seen) bool { return s.fault.Status == http.StatusTooManyRequests }, class: limited},
	{name: "vertex/shared", at: "vertex", on: in(429), when: func(s *seen) bool { return len(s.quotas) == 0 && s.delay == "" }, class: limited.at(Elsewhere | Fallback)},
	{name: "vertex/project", at: "vertex", on: in(403), text: begins(`unable to find your project|vertex ai api has not been used in project`), loose: true, class: badKey},
	{name: "vertex/blocked", at: "vertex", on: in(400), text: begins(`the response was blocked`), class: filtered},

	{name: "mistral/tier", at: "mistral", on: in(429), words: "3505", class: overloaded.at(Elsewhere | Fallback).is(Capacity)},
	{name: "mistral/tier text", at: "mistral", on: in(429), text: begins(`service tier capacity exceeded`), loose: true, class: overloaded.at(Elsewhere | Fallback).is(Capacity)},
	{name: "mistral/gateway", at: "mistral", on: in(429), text: begins(`requests rate limit exceeded`), class: limited.of("requests")},
	{name: "mistral/guardrail", at: "mistral", on: in(403), words: "guardrail guardrails guardrail_violation moderation", class: filtered},

	{name: "cohere/unsafe", at: "cohere", on: in(498), class: filtered},
	{name: "cohere/trial month", at: "cohere", on: in(429), text: begins(`you are using a trial key, which is limited to \d+ api calls / month`), class: noMoney},

	{name: "groq/too big", at: "groq", on: in(413), class: overTier},
	{name: "groq/flex", at: "groq", on: in(498), class: overloaded.is(Capacity)},
	{name: "groq/tool call", at: "groq", on: in(422), class: unusable},

	{name: "together/context", at: "together", on: in(403), class: tooLong},
	{name: "together/capacity", at: "together", on: in(503), class: overloaded.at(Elsewhere | Fallback)},
	{name: "together/timeout", at: "together", on: in(504, 524), class: slow},
	{name: "together/server", at: "together", on: in(500), class: serverSide.at(Elsewhere | Fallback)},

	{name: "fireworks/suspended", at: "fireworks", on: in(412), text: begins(`account \S+ is suspended`), loose: true, class: badKey},

	{name: "deepseek/concurrency", at: "deepseek", on: in(429), class: limited.of("concurrency")},

	{name: "cerebras/queue", at: "cerebras", on: in(429), words: "queue_exceeded", class: overloaded.is(Capacity)},
	{name: "cerebras/rate", at: "cerebras", on: in(429), class: limited.mended(MendMaxTokens)},

	{name: "replicate/failed context", at: "replicate", words: "failed", text: begins(`input is too long`), class: tooLong},
	{name: "replicate/cancelled", at: "replicate", words: "canceled cancelled", class: left},

	{name: "openrouter/affords less", at: "openrouter", on: in(402), text: begins(`this request requires more credits, or fewer max_tokens`), class: overTier.mended(MendMaxTokens)},
	{name: "openrouter/moderation", at: "openrouter", on: in(403), when: func(s *seen) bool { return s.flagged }, class: filtered},
	{name: "openrouter/filter", at: "openrouter", on: in(404), words: "constraint_filtered privacy_restricted", class: caller},
	{name: "openrouter/capacity", at: "openrouter", on: in(429), words: "capacity_exhausted", class: limited},

	{name: "llama.cpp/context", at: "llama.cpp llamacpp", on: in(500), text: begins(`context shift is disabled|input is larger than the max context size`), class: tooLong},
	{name: "ollama/cloud", at: "ollama", on: in(429, 502, 503), text: begins(`server overloaded, please retry shortly`), class: overloaded.at(Elsewhere | Fallback).is(Light)},
}
