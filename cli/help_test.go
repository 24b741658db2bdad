package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestHelpIsWhole holds that the help of each command that somebody may look up has an example which begins with a
// command that is there.
func TestHelpIsWhole(t *testing.T) {
	p := &program{}
	root := p.root()
	var look func(*cobra.Command)
	look = func(cmd *cobra.Command) {
		for _, c := range cmd.Commands() {
			look(c)
		}
		if cmd == root || cmd.Hidden {
			return
		}
		if cmd.Example == "" {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
		for line := range strings.Lines(cmd.Example) {
			_, line, _ = strings.Cut(line, "fairlead ")
			if found, _, err := root.Find(strings.Fields(line)); err != nil || found == root {
				t.Errorf("%s: its example is no command: %q", cmd.CommandPath(), line)
			}
		}
	}
	look(root)
}
