package cli

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fairlead/client"
)

// Bounds of what a shell is offered.
const (
	completionTime = time.Second
	mostOffered    = 200
)

// offer gives what can stand in a place, with a word about each behind a tab.
type offer func(ctx context.Context, c *client.Client) ([]string, error)

// offeredArguments has the commands whose arguments are names of something at the control plane.
var offeredArguments = map[string]offer{
	"fairlead weight":         offerEndpoints,
	"fairlead drain":          offerEndpoints,
	"fairlead undrain":        offerEndpoints,
	"fairlead ramps stop":     offerEndpoints,
	"fairlead nodes remove":   offerNodes,
	"fairlead key revoke":     offerKeys,
	"fairlead key show":       offerKeys,
	"fairlead key edit":       offerKeys,
	"fairlead key rotate":     offerKeys,
	"fairlead key disable":    offerKeys,
	"fairlead key enable":     offerKeys,
	"fairlead token revoke":   offerTokens,
	"fairlead secret set":     offerSecrets,
	"fairlead secret delete":  offerSecrets,
	"fairlead rollback":       offerRevisions,
	"fairlead revisions show": offerRevisions,
	"fairlead revisions diff": offerRevisions,
}

// offeredFlags has those of records and tail.
var offeredFlags = map[string]offer{
	"model": offerModels, "endpoint": offerEndpoints, "provider": offerProviders, "key": offerKeys, "node": offerNodes,
}

// offeredWords has the flags that take one of a few words, in every command.
var offeredWords = map[string][]string{
	"output": {outputText, outputJSON}, "level": {"viewer", "operator", "admin"}, "kept": {"failure", "slow", "sample"},
	"stream": {"true", "false"}, "wait": {"all"}, "role": {"all", "control", "edge"},
	"log-level": {"debug", "info", "warn", "error"}, "log-format": {"text", "json"},
}

// complete has a command and those below it offer to a shell what they can be given.
func (p *program) complete(cmd *cobra.Command) {
	for _, below := range cmd.Commands() {
		p.complete(below)
	}
	switch from, known := offeredArguments[cmd.CommandPath()]; {
	case known:
		cmd.ValidArgsFunction = p.offered(from, mostArguments(cmd))
	case strings.HasPrefix(cmd.CommandPath(), "fairlead context ") && cmd.Name() != "add":
		cmd.ValidArgsFunction = p.offeredContexts
	case !strings.Contains(cmd.Use, " FILE"):
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	flags := map[string]cobra.CompletionFunc{"context": p.offeredContexts, "from": p.offeredContexts}
	for name, words := range offeredWords {
		flags[name] = cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
	}
	if cmd.Name() == "records" {
		for name, from := range offeredFlags {
			flags[name] = p.offered(from, -1)
		}
	}
	for name, f := range flags {
		if cmd.LocalFlags().Lookup(name) != nil {
			_ = cmd.RegisterFlagCompletionFunc(name, f) // fails only for one that is there already
		}
	}
}

// mostArguments is how many arguments of a command are names that can be offered.
func mostArguments(cmd *cobra.Command) int {
	if cmd.Name() == "diff" {
		return 2
	}
	return 1
}

// offered asks the control plane, and says nothing where that fails: whoever presses TAB asked for no error. most < 0 =
// it is a flag's value, whatever arguments there are.
func (p *program) offered(from offer, most int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if most >= 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
		defer cancel()
		c, err := p.client(cmd.Flags())
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		list, _ := from(ctx, c)
		return beginning(list, begun), cobra.ShellCompDirectiveNoFileComp
	}
}

func (p *program) offeredContexts(_ *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	all, err := p.readContexts()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var list []string
	for name := range all.Contexts {
		if !slices.Contains(args, name) {
			list = append(list, name)
		}
	}
	return beginning(list, begun), cobra.ShellCompDirectiveNoFileComp
}

// beginning sorts out what begins with what was typed, each once.
func beginning(list []string, begun string) []cobra.Completion {
	var found []cobra.Completion
	for _, s := range list {
		if strings.HasPrefix(s, begun) && len(found) < mostOffered {
			name, about, _ := strings.Cut(s, "\t")
			found = append(found, strings.TrimSuffix(plain(name)+"\t"+plain(about), "\t"))
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func offerEndpoints(ctx context.Context, c *client.Client) ([]string, error) {
	return namesOf(c.Endpoints)(ctx, func(e client.Endpoint) string { return e.ID })
}

func offerModels(ctx context.Context, c *client.Client) ([]string, error) {
	return namesOf(c.Endpoints)(ctx, func(e client.Endpoint) string { return e.Model })
}

func offerProviders(ctx context.Context, c *client.Client) ([]string, error) {
	return namesOf(c.Endpoints)(ctx, func(e client.Endpoint) string { return e.Provider })
}

func offerNodes(ctx context.Context, c *client.Client) ([]string, error) {
	return namesOf(c.Nodes)(ctx, func(n client.Node) string { return n.Name })
}

func offerSecrets(ctx context.Context, c *client.Client) ([]string, error) {
	return namesOf(c.Secrets)(ctx, func(s client.Secret) string { return s.Name })
}

// namesOf takes a name of each thing of a list.
func namesOf[T any](read func(context.Context) ([]T, error)) func(context.Context, func(T) string) ([]string, error) {
	return func(ctx context.Context, name func(T) string) (names []string, err error) {
		list, err := read(ctx)
		for _, v := range list {
			names = append(names, name(v))
		}
		return names, err
	}
}

func offerTokens(ctx context.Context, c *client.Client) ([]string, error) {
	list, err := c.Tokens(ctx)
	var names []string
	for _, t := range list {
		if t.Revoked.IsZero() {
			names = append(names, t.ID+"\t"+t.Name)
		}
	}
	return names, err
}

func offerKeys(ctx context.Context, c *client.Client) (names []string, err error) {
	for k, err := range c.Keys(ctx) {
		if err != nil || len(names) == mostOffered {
			return names, err
		}
		if k.Revoked == nil {
			names = append(names, k.ID+"\t"+k.Name)
		}
	}
	return names, nil
}

func offerRevisions(ctx context.Context, c *client.Client) (names []string, err error) {
	for r, err := range c.Revisions(ctx) {
		if err != nil || len(names) == mostOffered {
			return names, err
		}
		names = append(names, strconv.FormatInt(r.Number, 10)+"\t"+r.Why)
	}
	return names, nil
}
