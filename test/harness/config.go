package harness

import (
	"fmt"
	"testing"

	"fairlead/internal/fakellm"
)

// Credential is what nodes show to the providers of Config. A fake provider that is started with it as
// its only key proves that the caller's key does not travel.
const Credential = "sk-upstream-credential-of-the-harness"

// credentialVariable is how Config refers to Credential; Start sets it.
const credentialVariable = "HARNESS_CREDENTIAL"

// Fake serves a fake provider, in both dialects, in this process until the test ends.
func Fake(t testing.TB, o fakellm.Options) (server *fakellm.Server, url string) {
	t.Helper()
	return fakellm.Start(t, o)
}

// Prices of Config's endpoints, in USD per million tokens: no two are alike, so that a cost tells what
// was counted as what.
const (
	PriceInput      = "3"
	PriceOutput     = "15"
	PriceCacheRead  = "0.3"
	PriceCacheWrite = "3.75"
)

// Config is a standard configuration over an OpenAI-speaking and an Anthropic-speaking provider, given
// by their URLs without a path:
//
//	openai/*       the first one's models by name, priced
//	claude/*       the second one's, priced
//	openai/quick   alias fast: echo at the first one
//	ha/*, hc/*     by name at the first, at the second one; when they fail, claude/echo, openai/echo
//	dead/*         where nobody listens; then openai/echo
//	free/*         by name at the first one, without a price
//	closed/*       by name at the first one, whose supports list is closed: chat alone
func Config(openaiURL, anthropicURL string) string {
	price := fmt.Sprintf(`{input: "%s", output: "%s", cache_read: "%s", cache_write: "%s"}`, PriceInput, PriceOutput, PriceCacheRead, PriceCacheWrite)
	credentials := `[{name: main, value: "${env:` + credentialVariable + `}"}]`
	return fmt.Sprintf(`version: 1
providers:
  first:
    dialect: openai
    base_url: %[1]s/v1
    credentials: %[4]s
  second:
    dialect: anthropic
    base_url: %[2]s
    credentials: %[4]s
  nobody:
    dialect: openai
    base_url: http://127.0.0.1:1/v1
models:
  openai/*:
    max_output: 4096
    endpoints: [{provider: first, price: %[3]s}]
  claude/*:
    max_output: 4096
    endpoints: [{provider: second, price: %[3]s}]
  openai/quick:
    aliases: [fast]
    max_output: 4096
    endpoints: [{provider: first, model: echo, price: %[3]s}]
  ha/*:
    max_output: 4096
    endpoints: [{provider: first, price: %[3]s}]
    route: {fallbacks: [claude/echo]}
  hc/*:
    max_output: 4096
    endpoints: [{provider: second, price: %[3]s}]
    route: {fallbacks: [openai/echo]}
  dead/*:
    max_output: 4096
    endpoints: [{provider: nobody}]
    route: {fallbacks: [openai/echo]}
  free/*:
    max_output: 4096
    endpoints: [{provider: first}]
  closed/*:
    max_output: 4096
    endpoints: [{provider: first, supports: [chat]}]
settings:
  max_body: 1MiB
`, openaiURL, anthropicURL, price, credentials)
}
