// Package provider knows places: where models are served, and what each place does otherwise than
// the dialect it speaks. Places is the table of those known by name; a configuration may name any
// other. What a place wants on the wire is written here, and nothing of routing.
package provider

import "fairlead"

// Place is a row of the table: what a provider's name brings before a configuration says anything.
type Place struct {
	Name    string
	Dialect fairlead.Dialect
	// BaseURL ends where the vendor's own SDK appends its paths: with the version for the openai
	// dialect, without it for anthropic. Servers that one runs oneself stand at their default port on
	// this machine.
	BaseURL string
	Env     string // variable in which the vendor's SDK looks for the key; "" for servers that one runs oneself
	BaseEnv string // variable in which the vendor's SDK looks for another base URL; "" where it has none
	Auth    fairlead.AuthStyle
	Quirks  fairlead.Quirks
	// Family starts the bare names of the vendor's own models, where it is unmistakable: a name such
	// as claude-haiku-4-5 belongs to Anthropic whichever other keys are at hand.
	Family string
	// Example is a model that the place serves, for a first request; "" where none is sure to stay.
	Example string
}

// Fields of the openai dialect that some places know by another name.
var (
	// renameMaxTokens is for places that know only the older name of the bound on the answer: they
	// ignore the new one silently, so that an answer runs on unbounded, or refuse it.
	renameMaxTokens = [2]string{"max_completion_tokens", "max_tokens"}
	renameSeed      = [2]string{"seed", "random_seed"}
)

// Places is the table, in the order in which the environment is searched for keys.
var Places = []Place{
	{
		Name: "openai", Dialect: fairlead.OpenAI, BaseURL: "https://api.openai.com/v1",
		Env: "OPENAI_API_KEY", BaseEnv: "OPENAI_BASE_URL", Example: "gpt-4o-mini",
	},
	{
		Name: "anthropic", Dialect: fairlead.Anthropic, BaseURL: "https://api.anthropic.com",
		Env: "ANTHROPIC_API_KEY", BaseEnv: "ANTHROPIC_BASE_URL", Auth: fairlead.AuthXAPIKey, Family: "claude-",
		Example: "claude-haiku-4-5",
	},
	{
		// Usage comes with every answer; stream_options is accepted and has no effect (openrouter.ai/docs, usage accounting).
		Name: "openrouter", Dialect: fairlead.OpenAI, BaseURL: "https://openrouter.ai/api/v1",
		Env: "OPENROUTER_API_KEY", Example: "openai/gpt-4o-mini",
	},
	{
		Name: "groq", Dialect: fairlead.OpenAI, BaseURL: "https://api.groq.com/openai/v1",
		Env: "GROQ_API_KEY", Example: "llama-3.1-8b-instant",
	},
	{
		// The API reference lists max_tokens alone (docs.together.ai, chat completions).
		Name: "together", Dialect: fairlead.OpenAI, BaseURL: "https://api.together.xyz/v1",
		Env: "TOGETHER_API_KEY", Quirks: fairlead.Quirks{Rename: [][2]string{renameMaxTokens}},
	},
	{
		Name: "fireworks", Dialect: fairlead.OpenAI, BaseURL: "https://api.fireworks.ai/inference/v1",
		Env: "FIREWORKS_API_KEY",
	},
	{
		// max_completion_tokens is ignored, measured (github.com/earendil-works/pi/issues/8018).
		Name: "deepseek", Dialect: fairlead.OpenAI, BaseURL: "https://api.deepseek.com",
		Env: "DEEPSEEK_API_KEY", Quirks: fairlead.Quirks{Rename: [][2]string{renameMaxTokens}}, Family: "deepseek-",
		Example: "deepseek-chat",
	},
	{
		// Fields that its schema does not know are refused with 422 "Extra inputs are not permitted":
		// stream_options (github.com/cline/cline/issues/582, github.com/BerriAI/litellm/issues/8978; the
		// last chunk has the usage anyway) and max_completion_tokens (github.com/editor-code-assistant/eca/issues/231).
		// The seed is called random_seed (docs.mistral.ai, chat completions).
		Name: "mistral", Dialect: fairlead.OpenAI, BaseURL: "https://api.mistral.ai/v1",
		Env:    "MISTRAL_API_KEY",
		Quirks: fairlead.Quirks{NoStreamOptions: true, Rename: [][2]string{renameMaxTokens, renameSeed}}, Family: "mistral-",
		Example: "mistral-small-latest",
	},
	{
		Name: "xai", Dialect: fairlead.OpenAI, BaseURL: "https://api.x.ai/v1",
		Env: "XAI_API_KEY", Family: "grok-",
	},
	{
		Name: "cerebras", Dialect: fairlead.OpenAI, BaseURL: "https://api.cerebras.ai/v1",
		Env: "CEREBRAS_API_KEY",
	},
	{
		// A key is asked for only where the server was started with --api-key (docs.vllm.ai, server arguments).
		Name: "vllm", Dialect: fairlead.OpenAI, BaseURL: "http://127.0.0.1:8000/v1",
		Quirks: fairlead.Quirks{NeedsNoKey: true},
	},
	{
		// A key is asked for only where the server was started with --api-key (docs.sglang.ai, server arguments).
		Name: "sglang", Dialect: fairlead.OpenAI, BaseURL: "http://127.0.0.1:30000/v1",
		Quirks: fairlead.Quirks{NeedsNoKey: true},
	},
	llamaCPP("llama.cpp"),
	llamaCPP("llamacpp"),
	{
		// max_completion_tokens is ignored, measured (github.com/ollama/ollama/issues/7125). Any key is taken and none needed.
		Name: "ollama", Dialect: fairlead.OpenAI, BaseURL: "http://127.0.0.1:11434/v1",
		Quirks: fairlead.Quirks{NeedsNoKey: true, Rename: [][2]string{renameMaxTokens}},
	},
}

// llamaCPP is llama.cpp's server, which is known by two names. Builds before February 2026 ignore
// max_completion_tokens (github.com/ggml-org/llama.cpp/pull/19831); all know max_tokens.
func llamaCPP(name string) Place {
	return Place{
		Name: name, Dialect: fairlead.OpenAI, BaseURL: "http://127.0.0.1:8080/v1",
		Quirks: fairlead.Quirks{NeedsNoKey: true, Rename: [][2]string{renameMaxTokens}},
	}
}

// Lookup finds a place by its name.
func Lookup(name string) (Place, bool) {
	for _, p := range Places {
		if p.Name == name {
			return p, true
		}
	}
	return Place{}, false
}
