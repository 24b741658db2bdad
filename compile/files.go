package compile

import (
	"path/filepath"
	"slices"

	"fairlead"
)

// Files lists the files that a configuration refers to, sorted and each once: credentials by
// ${file:...}, and authorities, client certificates and their keys. When one of them changes, so does
// what the configuration means. Paths that Check refuses, such as relative ones, are left out.
func Files(c *fairlead.Config) []string {
	var list []string
	for _, p := range c.Providers {
		for _, cred := range p.Credentials {
			if ref, err := ParseReference(cred.Value); err == nil && ref.Kind == "file" {
				list = append(list, ref.Name)
			}
		}
		for _, path := range []string{p.Transport.CA, p.Transport.Cert, p.Transport.Key} {
			if filepath.IsAbs(path) {
				list = append(list, path)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Models counts the models of a snapshot, each once however many aliases it has, wildcards included.
func Models(s *fairlead.Snapshot) int {
	n := len(s.Wildcards)
	for name, m := range s.Models {
		if name == m.Name {
			n++
		}
	}
	return n
}
