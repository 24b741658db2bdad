package compile

import (
	"strings"

	"fairlead"
	"fairlead/provider"
)

// FromEnvironment makes the configuration of a start without any: a provider for every place whose
// key variable is set, with its models as author/name by a wildcard of the provider's name. Bare
// names go to the place whose family of models they name, all others to the first place found.
// found names those places in the order of the table; where it is empty there is nothing to serve.
func FromEnvironment(getenv func(string) string) (c *fairlead.Config, found []string) {
	c = &fairlead.Config{
		Version:   1,
		Providers: map[string]fairlead.ProviderConfig{},
		Models:    map[string]fairlead.ModelConfig{},
	}
	for _, p := range provider.Places {
		// A key that fairlead itself issued is there for clients of fairlead: to take it would send
		// every request back to where it came from.
		if p.Env == "" || getenv(p.Env) == "" || strings.HasPrefix(getenv(p.Env), fairlead.KeyPrefix) {
			continue
		}
		config := fairlead.ProviderConfig{
			Credentials: []fairlead.CredentialConfig{{Name: "main", Value: Reference{"env", p.Env}.String()}},
		}
		if p.BaseEnv != "" {
			config.BaseURL = getenv(p.BaseEnv)
		}
		c.Providers[p.Name] = config
		c.Models[p.Name+"/*"] = through(p.Name, "")
		if len(found) == 0 {
			c.Models["*"] = through(p.Name, "")
		} else if p.Family != "" {
			c.Models[p.Family+"*"] = through(p.Name, p.Family+"*")
		}
		found = append(found, p.Name)
	}
	return c, found
}

// Fake is the configuration of a start without any and without a key in the environment: the
// built-in fake provider, served at baseURL.
func Fake(baseURL string) *fairlead.Config {
	echo := through("fake", "echo")
	echo.Aliases = []string{"echo"}
	return &fairlead.Config{
		Version:   1,
		Providers: map[string]fairlead.ProviderConfig{"fake": {Dialect: fairlead.OpenAI, BaseURL: baseURL}},
		Models: map[string]fairlead.ModelConfig{
			"fake/echo": echo,
			"fake/*":    through("fake", ""),
		},
	}
}

func through(provider, upstream string) fairlead.ModelConfig {
	return fairlead.ModelConfig{Endpoints: []fairlead.EndpointConfig{{Provider: provider, Model: upstream}}}
}
