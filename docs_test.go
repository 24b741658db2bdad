package fairlead_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"fairlead"
)

var update = flag.Bool("update", false, "write generated documents anew")

// TestErrorsDoc holds that docs/errors.md is what Codes says.
func TestErrorsDoc(t *testing.T) {
	const page = "docs/errors.md"
	want := errorsPage(t)
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := readText(t, page); got != want {
		t.Errorf("%s is not current: go test . -run TestErrorsDoc -update", page)
	}
}

// errorsPage fills the table into the text around it.
func errorsPage(t *testing.T) string {
	t.Helper()
	const mark = "<!-- codes -->\n"
	var b strings.Builder
	for _, f := range []struct {
		fault fairlead.Fault
		title string
	}{
		{fairlead.FaultCaller, "The caller has to act"},
		{fairlead.FaultProvider, "The provider failed"},
		{fairlead.FaultOperator, "The operator has to act"},
		{fairlead.FaultNobody, "Nobody is at fault"},
	} {
		fmt.Fprintf(&b, "\n### %s\n\n| code | status | again | meaning |\n|---|---|---|---|\n", f.title)
		rows := slices.Clone(fairlead.Codes)
		slices.SortStableFunc(rows, func(x, y fairlead.CodeInfo) int { return x.Status - y.Status })
		for _, row := range rows {
			if row.Fault != f.fault {
				continue
			}
			again := "no"
			if row.Retry {
				again = "yes"
			}
			fmt.Fprintf(&b, "| `%s` | %d | %s | %s |\n", row.Code, row.Status, again, row.Meaning)
		}
	}
	around := readText(t, "docs/testdata/errors.md.in")
	if !strings.Contains(around, mark) {
		t.Fatalf("the text around the table has no line %q", mark)
	}
	return strings.Replace(around, mark, b.String(), 1)
}

// TestPagesNameAll holds that a page names everything of a kind that the code has: string literals of
// a form in some files, or the keys of a table.
func TestPagesNameAll(t *testing.T) {
	const operating, translation = "docs/operating.md", "docs/translation.md"
	for _, c := range []struct {
		page  string
		what  string
		names []string
		least int
	}{
		{operating, "metric or label", metrics(t), 12},
		{operating, "field of the log line", firstArguments(t, "record/log.go", "slog"), 25},
		{operating, "outcome", literals(t, "record.go", `^[a-z_]+$`), 12},
		{operating, "reason to leave an endpoint out", literals(t, "plan.go", `^[a-z_]+$`), 4},
		{operating, "path of the data plane", literals(t, "gateway/address.go", `^/([a-z]+z|v1/.*[a-z])$`), 10},
		{"docs/api.md", "path of the control plane", literals(t, "control/routes.go", `^(accounts|config|revisions|endpoints|ramps|trial|health|keys|secrets|nodes|tokens|audit|backup|lost|openapi)[a-z/{}.]*$`), 20},
		{operating, "header", lower(literals(t, "gateway/answer.go", `^X-(Fairlead|Request|Should)-[A-Za-z-]+$`)), 5},
		{operating, "header of a key", lower(literals(t, "admit/admit.go", `^(X-)?(Goog-)?Api-Key$`)), 2},
		{translation, "field of OpenAI's requests", tableKeys(t, "dialect/openai/request_read.go", "fields"), 30},
		{translation, "field of Anthropic's requests", tableKeys(t, "dialect/anthropic/request_read.go", "requestFields"), 18},
	} {
		if len(c.names) < c.least {
			t.Errorf("%s: only %d of kind %q were found: the test looks in the wrong place", c.page, len(c.names), c.what)
		}
		text := readText(t, c.page)
		for _, name := range c.names {
			if !regexp.MustCompile("[`{ ]" + regexp.QuoteMeta(name) + "[`.: ]").MatchString(text) {
				t.Errorf("%s does not name the %s %s", c.page, c.what, name)
			}
		}
	}
}

// metrics lists the metrics and labels that there are.
func metrics(t *testing.T) []string {
	t.Helper()
	const form = `^(fairlead|gen_ai)_[a-z_]+$`
	return slices.Concat(literals(t, "record/metrics.go", form), literals(t, "app/evidence.go", form), literals(t, "app/feed.go", form))
}

// TestNoStrayMetrics holds that the page of metrics names none that is not there.
func TestNoStrayMetrics(t *testing.T) {
	known := metrics(t)
	for _, m := range regexp.MustCompile("`((?:fairlead|gen_ai)_[a-z_]+)`").FindAllStringSubmatch(readText(t, "docs/operating.md"), -1) {
		if !slices.Contains(known, m[1]) {
			t.Errorf("docs/operating.md names the metric %s, which does not exist", m[1])
		}
	}
}

// TestLinks holds that relative links between documents lead somewhere, to a heading where they name one.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]*)(#[^)]*)?\)`)
	for _, page := range documents(t, "docs/*.md", "docs/*/*.md") {
		for _, m := range link.FindAllStringSubmatch(readText(t, page), -1) {
			target := page
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(page), m[1])
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", page, m[1], err)
			} else if m[2] != "" && !slices.Contains(anchors(readText(t, target)), m[2]) {
				t.Errorf("%s links to %s%s, which has no such heading", page, m[1], m[2])
			}
		}
	}
}

// anchors lists how the headings of a page are linked to.
func anchors(page string) (list []string) {
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page, -1) {
		list = append(list, "#"+strings.ReplaceAll(regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return list
}

// TestLinesAreShort holds that the prose of documents can be read beside something else: tables and code apart,
// decisions, which are never edited, and reports, which are printed.
func TestLinesAreShort(t *testing.T) {
	for _, page := range documents(t, "docs/*.md") {
		code, n := false, 0
		for line := range strings.Lines(readText(t, page)) {
			n++
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				code = !code
			}
			if length := utf8.RuneCountInString(line); !code && !strings.HasPrefix(line, "|") && length > 150 {
				t.Errorf("%s:%d: a line of %d characters: wrap it", page, n, length)
			}
		}
	}
}

// documents lists the pages of the first folder and those of some patterns.
func documents(t *testing.T, patterns ...string) []string {
	t.Helper()
	pages := []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md"}
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	return pages
}

// literals gives the string literals of a Go file that have a form.
func literals(t *testing.T, file, form string) []string {
	t.Helper()
	match := regexp.MustCompile(form)
	var list []string
	ast.Inspect(parse(t, file), func(n ast.Node) bool {
		if _, ok := n.(*ast.ImportSpec); ok {
			return false
		}
		if s, ok := text(n); ok && match.MatchString(s) && !slices.Contains(list, s) {
			list = append(list, s)
		}
		return true
	})
	return list
}

// firstArguments gives the first argument of each call of a package's functions, where it is a text.
func firstArguments(t *testing.T, file, pkg string) []string {
	t.Helper()
	var list []string
	ast.Inspect(parse(t, file), func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
			id, isName := sel.X.(*ast.Ident)
			if s, isText := text(call.Args[0]); isName && isText && id.Name == pkg {
				list = append(list, s)
			}
		}
		return true
	})
	return list
}

// tableKeys gives the keys of a map that a file declares.
func tableKeys(t *testing.T, file, name string) []string {
	t.Helper()
	var list []string
	ast.Inspect(parse(t, file), func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != name || len(spec.Values) != 1 {
			return true
		}
		if table, ok := spec.Values[0].(*ast.CompositeLit); ok {
			for _, e := range table.Elts {
				if pair, ok := e.(*ast.KeyValueExpr); ok {
					if s, ok := text(pair.Key); ok {
						list = append(list, s)
					}
				}
			}
		}
		return false
	})
	return list
}

// text gives the value of a string literal.
func text(n ast.Node) (string, bool) {
	lit, ok := n.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

func parse(t *testing.T, file string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func readText(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func lower(list []string) []string {
	for i := range list {
		list[i] = strings.ToLower(list[i])
	}
	return list
}
