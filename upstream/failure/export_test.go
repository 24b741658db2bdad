package failure

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
