package dialect

import (
	"strconv"
	"strings"
)

// knownWords are the types and codes that providers are known to state, in lower case. A word that is not
// among them may be the caller's prompt, quoted.
var knownWords = setOf("3003 3006 3007 3008 3023 3036 3040 3041 3042 3505 5004 5007 5016 5018 abort accessdeniedexception api_error " +
	"api_key_invalid api_key_service_blocked authentication authentication_error authenticationerror bad_request " +
	"badrequesterror billing_disabled billing_error billing_hard_limit_reached billing_not_active " +
	"block_reason_unspecified blocklist canceled cancelled capacity_exhausted conflict constraint_filtered " +
	"consumer_suspended content_filter content_policy_violation context_exceeded context_length_exceeded " +
	"credit_balance_exhausted deadline_exceeded deploymentnotfound enforced_spend_limit_reached enginedeaderror " +
	"error exceed_context_size_error expiredtoken expiredtokenexception failed failed_precondition finish_reason " +
	"forbidden ftuformnotfilled guardrail guardrail_intervened guardrail_violation guardrails healthcheck " +
	"image_content_policy_violation image_safety incomplete_generation incompletesignature " +
	"incompletesignatureexception insufficient_balance insufficient_quota insufficient_system_resource internal " +
	"internal_server_error internalfailure internalservererror internalserverexception invalid_api_key " +
	"invalid_argument invalid_encrypted_content invalid_model invalid_prompt invalid_request " +
	"invalid_request_error invalid_type invalid_value invalidclienttokenid invalidsignature " +
	"invalidsignatureexception malformed_function_call max_tokens_exceeded missingauthenticationtoken " +
	"missingauthenticationtokenexception model_decommissioned model_not_available model_not_found " +
	"model_not_supported modelerrorexception modelnotreadyexception modelstreamerrorexception " +
	"modeltimeoutexception moderation mpagreementbeingcreated not_found not_found_error not_implemented_error " +
	"not_supported_error notfounderror notimplementederror organization_restricted other other_block overloaded " +
	"overloaded_error payload_too_large payment_required permission_denied permission_error permissiondeniederror " +
	"privacy_restricted prohibited_content provider_overloaded provider_unavailable queue_exceeded " +
	"rate_limit_error rate_limit_exceeded rate_limited ratelimiterror recitation refusal region_restricted " +
	"regionerror request_forbidden request_too_large requestexpired requests resource_exhausted " +
	"resourcenotfoundexception responsibleaipolicyviolation safety server server_error server_is_overloaded " +
	"service_disabled service_unavailable_error servicequotaexceededexception serviceunavailableexception " +
	"signaturedoesnotmatch slow_down spii stream_interrupted throttlingexception timeout timeout_error " +
	"token_limit_exceeded tokens tool_use_failed unauthenticated unavailable unavailable_error unknown_error " +
	"unmapped unprocessable unprocessableentityerror unrecognizedclientexception " +
	"unsupported_country_region_territory unsupported_parameter unsupported_value upstream_failed " +
	"upstream_timeout validation validation_error validationexception value_error")

func setOf(list string) map[string]struct{} {
	set := map[string]struct{}{}
	for w := range strings.FieldsSeq(list) {
		set[w] = struct{}{}
	}
	return set
}

// known reports whether a type or code is one that may be logged: a known word, or an HTTP status.
func known(word string) bool {
	if n, err := strconv.Atoi(word); err == nil && n >= 400 && n < 600 && len(word) == 3 {
		return true
	}
	_, ok := knownWords[strings.ToLower(word)]
	return ok
}
