package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// usage marks an error as one of the command line, about which the command's help tells more.
func usage(err error) error { return &exitError{code: exitUsage, err: err, usage: true} }

// cannotRead marks a failure that ends with the code of a command line that could not be read, though it could be.
func cannotRead(err error) error { return &exitError{code: exitUsage, err: err} }

// usageLine is how a command is written, without its flags.
func usageLine(cmd *cobra.Command) string { return strings.TrimSuffix(cmd.UseLine(), " [flags]") }

// arguments wants so many of them.
func arguments(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usage(fmt.Errorf("an argument is missing; the command is: %s", usageLine(cmd)))
		case len(args) > most && cmd.HasAvailableSubCommands():
			return usage(noCommand(cmd, args[most]))
		case len(args) > most:
			return usage(fmt.Errorf("%q is an argument too many; the command is: %s", args[most], usageLine(cmd)))
		}
		return nil
	}
}

// noCommand says that there is none of a name, and which are near.
func noCommand(cmd *cobra.Command, name string) error {
	text := fmt.Sprintf("there is no command %q", name)
	if cmd.HasParent() {
		text += " of " + cmd.CommandPath()
	}
	cmd.SuggestionsMinimumDistance = 2
	near := cmd.SuggestionsFor(name)
	for _, other := range cmd.Root().Commands() {
		if cmd.HasParent() && other.Name() == name {
			near = append(near, other.CommandPath())
		}
	}
	if len(near) > 0 {
		slices.Sort(near)
		text += fmt.Sprintf("; did you mean %q?", strings.Join(near, `" or "`))
	}
	return errors.New(text)
}

// oneOf has a command refuse more than one of some flags, and where something is asked, also none of them.
func oneOf(cmd *cobra.Command, asked string, names ...string) {
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		var given []string
		for _, name := range names {
			if cmd.Flags().Changed(name) {
				given = append(given, "--"+name)
			}
		}
		switch {
		case len(given) > 1:
			return usage(fmt.Errorf("%s exclude each other: give one of them", strings.Join(given, " and ")))
		case len(given) == 0 && asked != "":
			return usage(errors.New(asked))
		}
		return nil
	}
}

// wrongFlag says in words of ours what is wrong with a flag.
func wrongFlag(_ *cobra.Command, err error) error {
	var none *pflag.NotExistError
	var wrong *pflag.InvalidValueError
	var bare *pflag.ValueRequiredError
	switch {
	case errors.As(err, &none) && none.GetSpecifiedShortnames() != "":
		err = fmt.Errorf("there is no flag -%s", none.GetSpecifiedName())
	case errors.As(err, &none):
		err = fmt.Errorf("there is no flag --%s", none.GetSpecifiedName())
	case errors.As(err, &bare):
		err = fmt.Errorf("--%s wants a value", bare.GetFlag().Name)
	case errors.As(err, &wrong):
		is := map[string]string{
			"duration": "a duration such as 90s, 10m or 1h", "int": "a whole number", "int64": "a whole number", "bool": "true or false",
		}[wrong.GetFlag().Value.Type()]
		if is != "" {
			err = fmt.Errorf("--%s is %s, not %q", wrong.GetFlag().Name, is, wrong.GetValue())
		}
	}
	return usage(err)
}
