package cli_test

import (
	"flag"
	"os"
	"testing"

	"fairlead/cli"
)

var update = flag.Bool("update", false, "write the documentation's table of flags anew")

// TestFlagsDoc holds that docs/flags.md has the table of boot options as the code has it.
func TestFlagsDoc(t *testing.T) {
	const page = "../docs/flags.md"
	want := "# Boot options\n\n" +
		"This page is printed from the table in `cli/flags.go`.\n\n" +
		"What `fairlead serve` is started with. A flag goes before its variable, a variable before the default; an empty variable counts as\n" +
		"none. Changing one needs a restart; everything else is [configuration](configuration.md), which changes while fairlead runs.\n\n" +
		cli.FlagsMarkdown() +
		"\nThe other commands have their flags in `fairlead COMMAND --help`. `-o json` works for all of them.\n"
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not current: go test ./cli -run TestFlagsDoc -update", page)
	}
}
