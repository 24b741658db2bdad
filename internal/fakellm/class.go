package fakellm

import (
	"maps"
	"slices"
	"time"
)

// class is a kind of failure in both shapes. A nil anthropic tells it as openai does.
type class struct {
	openai, anthropic *problem
}

func (c *class) problem(sh shape) *problem {
	if sh == anthropic && c.anthropic != nil {
		return c.anthropic
	}
	return c.openai
}

// failures lists every value of the setting `fail`.
func failures() []string {
	return slices.Concat(slices.Sorted(maps.Keys(classes)), oddities)
}

// oddities are the failures that are no error of the API: what networks, proxies and defects do.
var oddities = []string{
	"html", "wrong_type", "malformed", "error_in_200", "error_first_frame", "empty", "refused", "reset",
	"hang", "slow_headers", "huge_headers", "huge", "endless_line",
}

// classes are the failures that providers tell as errors, with the words that they use.
var classes = map[string]*class{
	"invalid_key": {
		&problem{status: 401, kind: "invalid_request_error", code: "invalid_api_key", message: "Incorrect API key provided: sk-fake****. You can find your API key at https://platform.openai.com/account/api-keys."},
		&problem{status: 401, kind: "authentication_error", message: "invalid x-api-key"},
	},
	"quota": {
		&problem{status: 429, kind: "insufficient_quota", code: "insufficient_quota", message: "You exceeded your current quota, please check your plan and billing details."},
		&problem{status: 400, kind: "invalid_request_error", message: "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."},
	},
	"billing": {
		&problem{status: 402, kind: "unknown_error", code: "invalid_request_error", message: "Insufficient Balance"},
		&problem{status: 402, kind: "billing_error", message: "There is an issue with your organization's billing."},
	},
	"rate_limited": {
		&problem{
			status: 429, kind: "tokens", code: "rate_limit_exceeded", limits: true, retryAfter: time.Second,
			message: "Rate limit reached for fake in organization org-fake on tokens per min (TPM): Limit 30000, Used 29000, Requested 3000. Please try again in 1s.",
		},
		&problem{status: 429, kind: "rate_limit_error", limits: true, retryAfter: time.Second, message: "This request would exceed your organization's rate limit of 30,000 input tokens per minute."},
	},
	"slow_down": {
		&problem{status: 429, kind: "rate_limit_error", code: "slow_down", message: "Slow down: reduce your request rate and ramp up again."},
		&problem{status: 429, kind: "rate_limit_error", message: "This request would exceed your organization's acceleration limit. Please ramp up gradually."},
	},
	"too_large_for_tier": {
		&problem{status: 429, kind: "tokens", code: "rate_limit_exceeded", limits: true, message: "Request too large for fake in organization org-fake on tokens per min (TPM): Limit 30000, Requested 50000. The input or output tokens must be reduced in order to run successfully."},
		&problem{status: 429, kind: "rate_limit_error", limits: true, message: "This request would exceed your organization's rate limit of 30,000 input tokens per minute: the request has 50,000 input tokens."},
	},
	"context_length": {
		&problem{status: 400, kind: "invalid_request_error", param: "messages", code: "context_length_exceeded", message: "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. Please reduce the length of the messages."},
		&problem{status: 400, kind: "invalid_request_error", message: "prompt is too long: 205351 tokens > 200000 maximum"},
	},
	"content_filter": {
		&problem{status: 400, kind: "invalid_request_error", code: "content_policy_violation", message: "Your request was rejected as a result of our safety system."},
		&problem{status: 400, kind: "invalid_request_error", message: "Output blocked by content filtering policy"},
	},
	"model_not_found": {
		&problem{status: 404, kind: "invalid_request_error", param: "model", code: "model_not_found", message: "The model `fake` does not exist or you do not have access to it."},
		&problem{status: 404, kind: "not_found_error", message: "model: fake"},
	},
	"overloaded": {
		&problem{status: 503, kind: "service_unavailable_error", code: "server_is_overloaded", message: "The server is currently overloaded. Please try again later."},
		&problem{status: 529, kind: "overloaded_error", message: "Overloaded"},
	},
	"server_error": {
		&problem{status: 500, kind: "server_error", message: "The server had an error while processing your request. Sorry about that!"},
		&problem{status: 500, kind: "api_error", message: "Internal server error"},
	},
	"timeout": {
		&problem{status: 408, kind: "timeout", message: "Request timed out."},
		&problem{status: 504, kind: "timeout_error", message: "Request timed out."},
	},
	"bad_request": {
		&problem{status: 400, kind: "invalid_request_error", param: "messages", code: "invalid_value", message: "Invalid value for 'messages'."},
		&problem{status: 400, kind: "invalid_request_error", message: "messages: Input should be a valid list"},
	},
	"unsupported_parameter": {
		&problem{status: 400, kind: "invalid_request_error", param: "temperature", code: "unsupported_parameter", message: "Unsupported parameter: 'temperature' is not supported with this model."},
		&problem{status: 400, kind: "invalid_request_error", message: "temperature: Extra inputs are not permitted"},
	},
	"payload_too_large": {
		&problem{status: 413, kind: "invalid_request_error", message: "Request exceeds the maximum size"},
		&problem{status: 413, kind: "request_too_large", message: "Request exceeds the maximum size"},
	},
	"permission": {
		&problem{status: 403, kind: "invalid_request_error", message: "You have insufficient permissions for this operation."},
		&problem{status: 403, kind: "permission_error", message: "Your API key does not have permission to use the specified resource."},
	},
	"region_blocked": {
		&problem{status: 403, kind: "request_forbidden", code: "unsupported_country_region_territory", message: "Country, region, or territory not supported"},
		&problem{status: 403, kind: "forbidden", noID: true, message: "Request not allowed", raw: `{"error":{"type":"forbidden","message":"Request not allowed"}}`},
	},
}
