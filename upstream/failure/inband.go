package failure

import (
	"net/http"
	"strings"
)

// standsFor finds the status that words inside a success stand for: a code that is one, else what the code
// is known for, which says more than a type does, else any other word, else 0.
func (s *seen) standsFor() int {
	if s.fault.Status != 0 {
		return s.fault.Status
	}
	if status, ok := wordStatus[strings.ToLower(s.fault.Code)]; ok {
		return status
	}
	for _, w := range s.words {
		if status, ok := wordStatus[w]; ok {
			return status
		}
	}
	return 0
}

// wordStatus is what the words of errors inside a success stand for, types and codes alike.
var wordStatus = statusesOf(map[int]string{
	http.StatusBadRequest: "invalid_request_error badrequesterror context_length_exceeded invalid_prompt content_filter " +
		"content_policy_violation invalid_argument validationexception invalid_request failed_precondition",
	http.StatusUnauthorized:          "authentication_error authenticationerror invalid_api_key authentication unauthenticated",
	http.StatusPaymentRequired:       "billing_error payment_required",
	http.StatusForbidden:             "permission_error permissiondeniederror permission_denied accessdeniedexception",
	http.StatusNotFound:              "not_found_error notfounderror model_not_found not_found resourcenotfoundexception",
	http.StatusRequestTimeout:        "modeltimeoutexception",
	http.StatusRequestEntityTooLarge: "request_too_large payload_too_large",
	http.StatusUnprocessableEntity:   "unprocessableentityerror unprocessable",
	http.StatusFailedDependency:      "modelstreamerrorexception modelerrorexception",
	http.StatusTooManyRequests: "rate_limit_error ratelimiterror rate_limit_exceeded insufficient_quota tokens requests " +
		"rate_limited slow_down resource_exhausted throttlingexception",
	http.StatusInternalServerError: "server_error api_error internalservererror internal_server_error internal " +
		"internalserverexception internalfailure enginedeaderror server unmapped end=error end=abort",
	http.StatusBadGateway: "upstream_failed stream_interrupted provider_unavailable",
	http.StatusServiceUnavailable: "server_is_overloaded service_unavailable_error unavailable_error unavailable overloaded " +
		"serviceunavailableexception modelnotreadyexception provider_overloaded end=insufficient_system_resource",
	http.StatusGatewayTimeout: "timeout_error upstream_timeout timeout deadline_exceeded end=timeout",
	529:                       "overloaded_error",
})

func statusesOf(words map[int]string) map[string]int {
	all := map[string]int{}
	for status, list := range words {
		for w := range strings.FieldsSeq(list) {
			all[w] = status
		}
	}
	return all
}
