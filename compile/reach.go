package compile

import (
	"cmp"

	"fairlead"
	"fairlead/provider"
)

// reach is a credential, or a client's certificate, together with the way on which it is sent.
type reach struct {
	reference string // "" = what the transport itself brings
	base      string
	transport fairlead.TransportConfig
}

// Reaches lists the providers of a configuration by which anything of the nodes' own goes a way that it does not go in another
// one: a reference to another address, or through another proxy, or under other certificates. A provider without
// references, without a proxy and without files sends nothing that is not the caller's. Names are sorted.
func Reaches(from, to *fairlead.Config) (names []string) {
	known := map[reach]bool{}
	from, to = valueOf(from), valueOf(to)
	for name, p := range from.Providers {
		for _, r := range reachesOf(name, p) {
			known[r] = true
		}
	}
	for _, name := range sortedKeys(to.Providers) {
		for _, r := range reachesOf(name, to.Providers[name]) {
			if !known[r] {
				names = append(names, name)
				break
			}
		}
	}
	return names
}

func reachesOf(name string, p fairlead.ProviderConfig) (list []reach) {
	place, _ := provider.Lookup(name)
	way := reach{base: amount("base_url", cmp.Or(p.BaseURL, place.BaseURL)), transport: p.Transport}
	way.transport.HTTP2 = false // it leads to the same place
	if way.transport != (fairlead.TransportConfig{}) {
		list = append(list, way)
	}
	for _, c := range credentialsOf(name, p) {
		way.reference = c.Value
		list = append(list, way)
	}
	return list
}
