package failure

import "net/http"

// wordRules are what codes, types and reasons mean wherever they come from.
// The first that matches wins.
var wordRules = []rule{
	// Workers AI numbers its errors; the numbers mean nothing in another envelope.
	{name: "workersai/model", words: "5007 3042", when: numbered, class: noModel},
	{name: "workersai/request", words: "5004 3003", when: numbered, class: caller},
	{name: "workersai/account", words: "5018 3041 5016 3023", when: numbered, class: badKey},
	{name: "workersai/size", words: "3006", when: numbered, class: large},
	{name: "workersai/timeout", words: "3007 3008", when: numbered, class: slow},
	{name: "workersai/allocation", words: "3036", when: numbered, class: noMoney},
	{name: "workersai/capacity", words: "3040", when: numbered, class: overloaded.is(Capacity)},

	{name: "region", on: in(403), words: "unsupported_country_region_territory regionerror region_restricted", class: abroad},
	{name: "anthropic/region", on: in(403), words: "forbidden", when: cloudflare, class: abroad},

	// Google's, more telling ones first.
	{name: "google/key", on: in(400, 401, 403), words: "api_key_invalid", class: badKey},
	{name: "google/region", on: in(400, 403), words: "failed_precondition", text: whole(userLocation), class: abroad},
	// A file that is not ready yet is a failed precondition too.
	{name: "google/precondition", on: in(400), words: "failed_precondition", class: badKey.once()},
	{name: "google/disabled", on: in(403), words: "service_disabled api_key_service_blocked consumer_suspended billing_disabled", class: badKey},
	// Another project's file is a permission denied too.
	{name: "google/permission", on: in(403), words: "permission_denied", class: badKey.once()},
	{name: "google/day", on: in(429), when: daily, class: noMoney},
	{name: "google/wrapped", on: in(5), words: "resource_exhausted", when: func(s *seen) bool { return s.fault.Status == http.StatusTooManyRequests }, class: limited},
	{name: "google/rate", on: in(429), words: "resource_exhausted", class: limited},
	{name: "google/overloaded", on: in(503), words: "unavailable", class: overloaded.is(Light)},
	{name: "google/deadline", on: in(504), words: "deadline_exceeded", class: slow},
	{name: "google/blocked", words: "end=safety end=prohibited_content end=recitation end=blocklist end=spii end=image_safety end=other_block " +
		"end=block_reason_unspecified end=other", when: inside, class: filtered},
	{name: "google/tool call", words: "end=malformed_function_call", when: inside, class: unusable},
	{name: "filter at the end", words: "end=content_filter end=guardrail_intervened end=refusal", when: inside, class: filtered},

	// AWS's exceptions.
	{name: "bedrock/signature", on: in(400, 401, 403), words: "unrecognizedclientexception invalidclienttokenid expiredtoken expiredtokenexception " +
		"invalidsignature invalidsignatureexception incompletesignature incompletesignatureexception signaturedoesnotmatch " +
		"requestexpired missingauthenticationtoken missingauthenticationtokenexception", class: badKey.at(anywhere).mended(MendCredential)},
	{name: "bedrock/access", on: in(400, 403), words: "accessdeniedexception", class: noModel.once()},
	{name: "bedrock/agreement", on: in(403), words: "mpagreementbeingcreated", class: noModel.at(anywhere)},
	{name: "bedrock/form", on: in(4), words: "ftuformnotfilled resourcenotfoundexception", class: noModel},
	{name: "bedrock/region", on: in(400), words: "validationexception", text: whole(`access to \S{1,80} models is not allowed from unsupported countries, regions, or territories(?:\. (?:see|please refer to) (?:https://)?[\w./-]{1,200}(?: for more information on the countries and regions \S{1,80} currently supports)?)?`), class: abroad},
	{name: "bedrock/profile", on: in(400), words: "validationexception", text: whole(`invocation of model id \S{1,300} with on-demand throughput isn.{1,3}t supported(?:\. retry (?:your request )?with (?:the id or arn of )?an inference profile(?: that contains this model)?)?`), class: noModel},
	{name: "bedrock/throttling", words: "throttlingexception", class: limited},
	{name: "bedrock/quota", words: "servicequotaexceededexception", class: limited},
	{name: "bedrock/not ready", words: "modelnotreadyexception", class: overloaded.is(Light)},
	{name: "bedrock/timeout", words: "modeltimeoutexception", class: slow},
	{name: "bedrock/behind", words: "modelerrorexception", when: behind(400, 413, 422), class: caller},
	{name: "bedrock/behind limit", words: "modelerrorexception", when: behind(429), class: limited},
	{name: "bedrock/model error", words: "modelerrorexception", class: serverSide},
	{name: "bedrock/stream", words: "modelstreamerrorexception", class: serverSide.at(Elsewhere | Fallback)},

	{name: "quota", on: in(4), words: "insufficient_quota credit_balance_exhausted billing_error enforced_spend_limit_reached payment_required " +
		"billing_hard_limit_reached billing_not_active insufficient_balance", class: noMoney},
	{name: "key", on: in(400, 401, 403), words: "invalid_api_key organization_restricted", class: badKey},
	{name: "permission", on: in(403), words: "permission_error permissiondeniederror", class: badKey.once()},
	{name: "over tier", on: in(413, 429), words: "rate_limit_exceeded tokens requests rate_limit_error ratelimiterror rate_limited", text: begins(overTierText), class: overTier},
	{name: "slow down", on: in(429, 503), words: "slow_down", class: limited},
	{name: "queue", on: in(429), words: "queue_exceeded", class: overloaded.is(Capacity)},
	{name: "model", on: in(400, 403, 404), words: "model_not_found invalid_model model_decommissioned model_not_supported model_not_available deploymentnotfound", class: noModel},
	{name: "context", on: in(4), words: "context_length_exceeded exceed_context_size_error context_exceeded max_tokens_exceeded token_limit_exceeded", class: tooLong},
	{name: "filter", on: in(400, 403), words: "content_filter content_policy_violation responsibleaipolicyviolation image_content_policy_violation refusal", class: filtered},
	{name: "filter prompt", on: in(400), words: "invalid_prompt", text: begins(`invalid prompt: `), class: filtered},
	{name: "too large", on: in(400, 413), words: "request_too_large payload_too_large", class: large},
	{name: "reasoning", on: in(400), words: "invalid_encrypted_content", class: caller.mended(MendReasoning)},
	{name: "parameter", on: in(400, 422), words: "unsupported_parameter unsupported_value", when: func(s *seen) bool { return s.fault.Param != "" }, class: caller.mended(MendParam)},
	{name: "service tier", on: in(400), when: func(s *seen) bool { return s.fault.Param == "service_tier" }, class: caller.mended(MendParam)},
	{name: "tool call", on: in(400, 422), words: "tool_use_failed", class: unusable},
	{name: "openai/overloaded", on: in(5), words: "server_is_overloaded service_unavailable_error", class: overloaded},
	{name: "overloaded", on: in(529, 503), words: "overloaded_error", class: overloaded.is(Light)},
	{name: "tgi/overloaded", on: in(429, 503), words: "overloaded", class: overloaded.is(Capacity)},
	{name: "tgi/incomplete", on: in(5), words: "incomplete_generation healthcheck", class: serverSide.at(Elsewhere | Fallback)},
	{name: "vllm/dead", on: in(500, 503), words: "enginedeaderror", class: serverSide.at(Elsewhere | Fallback)},
	{name: "llama.cpp/loading", on: in(503), words: "unavailable_error", class: overloaded},
	{name: "llama.cpp/unsupported", on: in(501), words: "not_supported_error", class: noModel},
}

// overTierText is how a request that can never fit is told under the code of those that can wait.
const overTierText = `request too large for `

func numbered(s *seen) bool { return s.numbered }

func inside(s *seen) bool { return s.inBand }

// cloudflare recognises the region refusal of the network before Anthropic's API: neither its envelope nor
// its request id.
func cloudflare(s *seen) bool {
	return s.text == "request not allowed" && !s.enveloped && !s.requestID
}

// behind recognises the status of a model's server behind AWS's own.
func behind(statuses ...int) func(*seen) bool {
	return func(s *seen) bool {
		for _, status := range statuses {
			if s.origin == status {
				return true
			}
		}
		return false
	}
}
