package failure

// textRules are what a provider says in words alone. Each text is its template from the first letter on,
// and counts within its statuses only, for further on there may be words of the caller's. Under a 400 they
// may begin it too, where a validator puts a field's name first: what disables anything there has to be the
// provider's whole sentence, to its end, and proves that only at the provider's own place.
// The first that matches wins.
var textRules = []rule{
	{name: "anthropic/credit", on: in(400, 402, 403), home: "anthropic", text: whole(`your credit balance is too low to access the (?:anthropic|claude) api(?:\. please go to plans & billing(?: to upgrade(?: or purchase credits)?)?)?`), class: noMoney},
	{name: "anthropic/spend", on: in(400), home: "anthropic", text: whole(usageLimits + `(?:\. you will regain access on [\d-]{10}(?: at [\d:]{4,8}(?: utc)?)?)?|` + spendLimit), class: noMoney},
	{name: "anthropic/spend rate", on: in(429), text: begins(usageLimits + `|` + spendLimit), class: noMoney},
	// Its key is masked, so that no single word behind a field's name can be taken for one.
	{name: "xai/key", on: in(400), home: "xai", text: whole(`incorrect api key provided: [^\s:]{0,40}\*{2,}[^\s:]{0,40}?(?:\. you can obtain an api key from https://console\.x\.ai)?`), loose: true, class: badKey},
	{name: "google/key text", on: in(400), home: "gemini vertex", text: whole(`api key not valid\. please pass a valid api key`), class: badKey},
	{name: "xai/credits", on: in(403, 429), text: begins(`your newly created team doesn't have any credits|your team \S+ has either used all available credits or reached its monthly spending limit`), loose: true, class: noMoney},
	{name: "openai/quota", on: in(429), text: begins(`you exceeded your current quota, please check your plan and billing details`), class: noMoney},
	{name: "openai/address", on: in(401, 403), text: begins(`your request ip does not match the configured ip allowlist|ip not authorized|ip address not authorized`), class: abroad},
	{name: "bedrock/token", on: in(400, 403), home: "bedrock", text: whole(`the security token included in the request is (?:invalid|expired)`), class: badKey.at(anywhere).mended(MendCredential)},

	{name: "region text", on: in(403), text: whole(`country, region,? or territory not supported|this model is not available in your (?:country|region)|access denied\. please check your network settings`), loose: true, class: abroad},
	{name: "google/region text", on: in(400), home: "gemini vertex", text: whole(userLocation), class: abroad},

	{name: "model text", on: in(404), text: begins("model: |models/\\S+ is not found for api version|publisher model |the model \\S+ does not exist|model [`'\"]"), loose: true, class: noModel},

	{name: "context text", on: in(400, 413, 422, 0), text: begins(contextTexts), class: tooLong},
	{name: "filter text", on: in(400), text: begins(`output blocked by content filtering policy|the response was filtered due to the prompt triggering azure`), class: filtered},
	{name: "google/signature", on: in(400), text: begins(`function call is missing a thought_signature|corrupted thought signature`), class: caller.mended(MendSignature)},
	{name: "xai/parameter", on: in(400), text: begins(`argument not supported on this model: \w+`), loose: true, class: caller.mended(MendParam)},

	{name: "over tier text", on: in(413, 429), text: begins(overTierText), class: overTier},
	{name: "ollama/queue", on: in(503), text: begins(`server busy, please try again`), class: overloaded.is(Capacity)},
	{name: "openai/engine", on: in(500, 503), text: begins(`the engine is currently overloaded|the server is currently overloaded`), class: overloaded},
	{name: "gemini/overloaded", on: in(503), text: begins(`the model is overloaded\. please try again later`), class: overloaded.is(Light)},
}

// The sentences of Anthropic's limits in money.
const (
	usageLimits = `you have reached your specified (?:workspace )?api usage limits`
	spendLimit  = `this request would exceed your (?:organization|workspace)'s (?:monthly )?spend limit`
)

// userLocation is Google's refusal of a region.
const userLocation = `user location is not supported for the api use(?: without a billing account linked)?`

// contextTexts are how servers say that a prompt is too long for the context.
const contextTexts = `(?:this|the) (?:model|endpoint)'s maximum context length is \d+` + // OpenAI, vLLM, OpenRouter
	`|you passed \d+ input tokens and requested \d+ output tokens\. however, the model's context length is only \d+` + // vLLM
	`|the decoder prompt \(length \d+\) is longer than the maximum model length` + // vLLM
	`|max_tokens must be at least 1, got -` + // vLLM, when the prompt left nothing
	"|input length and `max_tokens` exceed context limit: \\d+" + // Anthropic
	`|prompt is too long: \d` + // Anthropic
	`|prompt: length: ` + // Anthropic, completions
	`|(?:the model returned the following errors: )?input is too long for requested model` + // Bedrock
	`|too many input tokens\b` + // Bedrock
	`|(?:malformed input request: )?(?:#/[\w/]+: )?expected maxlength: \d+, actual: \d+` + // Bedrock
	`|prompt tokens \(\d+\) exceed model maximum \(\d+\)` + // Bedrock's newer servers
	`|the input exceeds the model's maximum context limit` +
	`|(?:the )?input \(\d+ tokens\) is longer than the model's context length` + // SGLang
	`|input tokens exceed the configured limit of \d+` + // OpenAI
	`|invalid 'input(?:\[\d+\])?': maximum input length is \d+ tokens` + // OpenAI, embeddings
	`|invalid '[\w.\[\]]+': string too long\. expected a string with maximum length \d+` +
	"|input validation error: `inputs` (?:tokens \\+ `max_new_tokens` must be|must have less than)" + // TGI
	"|`inputs` tokens \\+ `max_new_tokens` must be" + // TGI
	`|(?:the )?request (?:\(\d+ tokens\) )?exceeds the (?:available )?context size` + // llama.cpp
	`|the input token count (?:\(\d+\) )?exceeds the maximum number of tokens allowed` + // Gemini
	`|request payload size exceeds the limit` + // Vertex
	`|(?:please reduce the length of the messages or completion\. )?current length is \d+ while limit is \d+` + // Cerebras
	`|please reduce the length of the messages or completion\.` + // Groq
	`|too many tokens: ` + // Cohere
	`|prompt contains \d+ tokens\b.{0,80}? too large for model with \d+ maximum context length` + // Mistral
	`|length limit exceeded` + // Hugging Face
	`|the input length exceeds the context length` + // Ollama
	`|(?:the )?prompt is longer than the context length` + // Ollama
	`|(?:the )?number of tokens to keep from the initial prompt is greater than the context length` + // LM Studio
	`|trying to keep the first \d+ tokens when context the overflows` // LM Studio
