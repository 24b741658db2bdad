package fairlead_test

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// arrows is the law of imports: each room with the rooms of ours that it may import. Arrows run
// down only; the two planes import nothing of each other; only app knows them all.
var arrows = []struct {
	room    string
	imports string
	why     string
}{
	{"", "", "the words: standard library only"},

	{"internal/jsonscan", "", "no product words"},
	{"internal/sse", "", "no product words"},
	{"internal/jitter", "", "no product words; standard library only"},
	{"internal/near", "", "no product words"},
	{"internal/clip", "", "no product words"},
	{"internal/paced", "", "no product words"},
	{"internal/seal", "", "no product words; standard library only"},
	{"internal/sqlitefile", "", "no product words"},
	{"internal/pki", "", "no product words"},
	{"internal/filelock", "", "no product words"},
	{"internal/datasync", "", "no product words"},
	{"internal/sock", "", "no product words; standard library only"},
	{"internal/pgtest", "", "no product words"},
	{"internal/mergepatch", "internal/jsonscan", "no product words"},
	{"internal/fakellm", "", "an independent reading of the wires, so that a shared mistake cannot hide"},

	{"dialect", ". internal/jsonscan internal/sse", "languages know the words and how to scan"},
	{"dialect/openai", ". dialect internal/clip internal/jsonscan internal/sse", "no language knows another"},
	{"dialect/anthropic", ". dialect internal/clip internal/jsonscan internal/sse", "no language knows another"},
	{"dialect/dialecttest", ". dialect internal/jsonscan internal/sse", "one contract suite"},

	{"provider", ". dialect internal/jsonscan", "a place knows languages and writes calls"},
	{"route", ".", "pure: it must also run in the simulator"},
	{"meter", ".", "pure: usage to cost"},
	{"record", ".", "shows what exchanges did"},
	{"replica", ". internal/filelock internal/jsonscan internal/mergepatch internal/sqlitefile", "this node's disk"},
	{"edge", ". compile internal/mergepatch", "what the replica holds -> compile -> swap"},
	{"steer", ".", "pure: guards, evidence, the pace of ramps and trials"},
	{"steer/count", ". steer", "counts on the path of every exchange: nothing else belongs there"},
	{"replica/spool", ". internal/datasync internal/filelock", "lines on this node's disk, whatever they say"},
	{"ship", ". internal/jitter", "declares the small interfaces of where things come from and go"},
	{"ledger/lease", ".", "pure: how much of whose money edges have"},
	{"admit", ".", "declares the small key interface it uses"},
	{"upstream/health", ".", "pure: what experience says of endpoints; knows no request and no wire"},
	{"upstream/transport", ". internal/sock", "connections know nothing of models"},
	{"upstream/failure", ". internal/clip internal/jsonscan internal/sse", "pure: what was seen of a failed attempt to what it means"},
	{"upstream/probe", ". upstream/health", "pure: which background probes are due"},
	{"upstream", ". dialect internal/jsonscan internal/sse provider upstream/failure upstream/health upstream/probe upstream/transport", "walks a plan"},
	{"gateway/front", ". internal/sock", "connections know nothing of models"},
	{"gateway", ". admit dialect gateway/front internal/jsonscan internal/near meter provider route steer upstream", "the data plane's story"},

	{"bus", ". internal/jitter internal/paced internal/pki", "carries changes between the planes; both declare nothing of each other to it"},

	{"store/migrations", "", "SQL files"},
	{"ledger", ". internal/jsonscan", "pure: what frames charge, and what that does to the books"},
	{"store", ". internal/mergepatch ledger store/migrations", "the truth; its SQL once, for every back end"},
	{"store/sqlite", "internal/sqlitefile store", "the truth in a file"},
	{"store/postgres", "internal/jitter store", "the truth on a server"},
	{"store/storetest", ". internal/mergepatch store", "one contract suite for every back end"},
	{"vault", ". internal/pki internal/seal", "what the fleet shares and nobody else may have"},
	{"compile", ". internal/jsonscan internal/mergepatch internal/near provider", "configuration to snapshot; the provider table brings defaults"},
	{"control", ". compile internal/paced steer", "declares the small store interfaces it uses"},
	{"ledger/share", ".", "pure: one limit among the edges of a fleet"},
	{"helm", ". compile steer", "drives ramps and trials; declares what of the store it uses"},
	{"client", ". internal/jitter", "speaks HTTP to control"},
	{"app", "*", "the only room that knows all the others"},
	{"demo", ". app internal/fakellm", "the whole program in front of fake endpoints"},
	{"cli", ". app bench client compile control demo internal/fakellm internal/seal record", "one file a command"},
	{"bench", "*", "measures the whole program beside others"},
	{"cmd/fairlead", "cli", "flags and signals"},
}

func TestArrows(t *testing.T) {
	allowed := map[string][]string{}
	for _, a := range arrows {
		allowed[a.room] = strings.Fields(a.imports)
	}
	seen := map[string]bool{}
	for _, file := range goFiles(t) {
		room := filepath.ToSlash(filepath.Dir(file))
		if room == "." {
			room = ""
		}
		if strings.HasSuffix(file, "_test.go") || strings.HasPrefix(room, "test") {
			continue
		}
		may, ok := allowed[room]
		if !ok {
			t.Errorf("%s: room %q is not in the table of arrows", file, room)
			continue
		}
		seen[room] = true
		for _, imp := range imports(t, file) {
			checkArrow(t, file, room, imp, may)
		}
	}
	for _, a := range arrows {
		if !seen[a.room] {
			t.Errorf("room %q of the table does not exist", a.room)
		}
	}
}

func checkArrow(t *testing.T, file, room, imp string, may []string) {
	t.Helper()
	ours := imp == "fairlead" || strings.HasPrefix(imp, "fairlead/")
	switch {
	case ours:
		name := strings.TrimPrefix(strings.TrimPrefix(imp, "fairlead"), "/")
		if name == "" {
			name = "."
		}
		if !slices.Contains(may, "*") && !slices.Contains(may, name) {
			t.Errorf("%s: room %q may not import %q", file, room, imp)
		}
	case pure(room) && strings.Contains(strings.SplitN(imp, "/", 2)[0], "."):
		t.Errorf("%s: room %q is standard library only, but imports %q", file, room, imp)
	}
}

// pure names the rooms that import the standard library alone.
func pure(room string) bool {
	return slices.Contains([]string{"", "route", "meter", "dialect", "upstream/health", "upstream/probe", "upstream/transport", "steer", "steer/count", "ledger/lease", "ledger/share", "internal/jitter", "internal/jsonscan", "internal/seal", "internal/sock", "internal/sse", "internal/pki"}, room)
}

func imports(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, s := range f.Imports {
		list = append(list, strings.Trim(s.Path.Value, `"`))
	}
	return list
}

// goFiles lists every Go file of the module, test data left out.
func goFiles(t *testing.T) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "node_modules" || (strings.HasPrefix(d.Name(), ".") && path != ".")):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".go"):
			list = append(list, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
