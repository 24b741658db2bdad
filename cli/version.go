package cli

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
)

// Version is which program this is.
type Version struct {
	Version  string `json:"version"`            // "(devel)" where it was built from a working tree
	Revision string `json:"revision,omitempty"` // of the source; "" = unknown
	Modified bool   `json:"modified,omitempty"` // the source differed from that revision
}

// String is the version in one word, as nodes say it to each other.
func (v Version) String() string {
	s := v.Version
	if v.Revision != "" && !strings.Contains(s, v.Revision[:min(12, len(v.Revision))]) {
		s += "+" + v.Revision[:min(12, len(v.Revision))]
	}
	return s
}

func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Show which version this is",
		Example: "  fairlead version",
		Args:    arguments(0, 0),
		RunE: run(func(context.Context, []string) error {
			show := struct {
				Version
				Go       string `json:"go"`
				Platform string `json:"platform"`
			}{p.Version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			return p.print(show, p.versionLine)
		}),
	}
}

// versionLine is which version this is, and of what.
func (p *program) versionLine() string {
	s := "fairlead " + p.Version.Version
	if p.Version.Revision != "" {
		s += " " + p.Version.Revision
	}
	if p.Version.Modified {
		s += " (modified)"
	}
	return fmt.Sprintf("%s %s %s/%s\n", s, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
