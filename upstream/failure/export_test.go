package failure

import "strings"

// Rules are the names of all rows, in the order in which they are looked at.
func Rules() []string {
	var names []string
	for _, table := range [][]rule{vendorRules, wordRules, textRules} {
		for i := range table {
			names = append(names, table[i].name)
		}
	}
	return names
}

// Words are all types, codes and reasons of the catalogue.
func Words() []string {
	var words []string
	for _, table := range [][]rule{vendorRules, wordRules, textRules} {
		for i := range table {
			words = append(words, strings.Fields(table[i].words)...)
		}
	}
	for w := range wordStatus {
		words = append(words, w)
	}
	return append(words, strings.Fields(plainWords)...)
}
