package edge

import (
	"os"

	"fairlead"
)

// stamps tell whether files have changed since each was added: by what Stat says of them, with nil for
// a file that is not there.
type stamps map[string]os.FileInfo

// add stamps a file, once.
func (s stamps) add(path string) {
	if _, ok := s[path]; !ok {
		s[path], _ = os.Stat(path)
	}
}

// addTransports stamps the files that connections to a snapshot's providers need.
func (s stamps) addTransports(of *fairlead.Snapshot) {
	for _, p := range of.Providers {
		for _, path := range []string{p.Transport.CA, p.Transport.Cert, p.Transport.Key} {
			if path != "" {
				s.add(path)
			}
		}
	}
}

// changed reports whether any of the files is another one now, has another size or was written to.
func (s stamps) changed() bool {
	for path, before := range s {
		now, _ := os.Stat(path)
		switch {
		case before == nil && now == nil:
		case before == nil || now == nil,
			!os.SameFile(before, now), before.Size() != now.Size(), !before.ModTime().Equal(now.ModTime()):
			return true
		}
	}
	return false
}
