// Package docs_test proves that what the documents tell their readers to type works: it types it.
package docs_test

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
)

// block is a fenced block of a page.
type block struct {
	tag  string // the word behind the fence
	line int    // of its first line
	text string // with its newlines
}

// blocks gives the fenced blocks of a Markdown text.
func blocks(page string) []block {
	var list []block
	var open *block
	n := 0
	for line := range strings.Lines(page) {
		n++
		fence, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case open != nil && isFence && fence == "":
			list = append(list, *open)
			open = nil
		case open != nil:
			open.text += line
		case isFence:
			open = &block{tag: fence, line: n + 1}
		}
	}
	return list
}

var (
	command = regexp.MustCompile(`(?m)^\s*(fairlead|curl) `)
	server  = regexp.MustCompile(`^(?:[A-Z_]+=\S+ )?fairlead (serve|fake)\b`)
	alone   = regexp.MustCompile(`^fairlead (serve|fake|demo|bench|check|version|restore|context)\b`) // needs no server
	port    = regexp.MustCompile(`\b(8484|8485|90[0-9][0-9])\b`)
	apart   = regexp.MustCompile(`--role control .*--control[ =]\S*:([0-9]+)`)
	listen  = regexp.MustCompile(`--listen[ =]\S*:([0-9]+)`)
	made    = regexp.MustCompile(`^make ([a-z]+)$`)
)

// escaped lists the commands of a page that no test would see, because their block has the wrong tag.
func escaped(list []block) []string {
	var found []string
	for _, b := range list {
		if (b.tag == "" || b.tag == "bash" || b.tag == "shell" || b.tag == "console") && command.MatchString(b.text) {
			found = append(found, fmt.Sprintf("line %d: a block with commands is tagged %q: tag it sh, or text if it is output", b.line, b.tag))
		}
	}
	return found
}

// targets lists what a page has make do.
func targets(list []block) []string {
	var found []string
	for _, b := range list {
		if b.tag != "bash" && b.tag != "sh" {
			continue
		}
		for line := range strings.Lines(b.text) {
			if m := made.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
				found = append(found, m[1])
			}
		}
	}
	return found
}

// ports gives every port that documents name a free one of this machine, always the same one.
type ports struct {
	t   *testing.T
	own map[string]string
}

func (p *ports) of(documented string) string {
	if p.own[documented] == "" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			p.t.Fatal(err)
		}
		_, p.own[documented], _ = net.SplitHostPort(l.Addr().String())
		l.Close()
	}
	return p.own[documented]
}

func (p *ports) replace(text string) string { return port.ReplaceAllStringFunc(text, p.of) }

// prelude is what a reader has: a shell that stops at the first thing that goes wrong, a second terminal
// for what serves, and the patience to wait until it does.
const prelude = `set -euo pipefail
curl() { command curl -sS --fail-with-body --max-time 30 --retry 8 --retry-delay 1 --retry-connrefused "$@"; }
running=()
background() {
  local slot=pid_$1 url=$2
  shift 2
  if [ -n "${!slot:-}" ]; then
    kill "${!slot}"
    wait "${!slot}"
  fi
  "$@" &
  printf -v "$slot" %s "$!"
  running+=("$!")
  for _ in {1..300}; do
    if command curl -s -o /dev/null "$url"; then return; fi
    kill -0 "${!slot}" || { echo "it ended: $*"; return 1; }
    sleep 0.1
  done
  echo "it does not answer at $url: $*"
  return 1
}
end() { for pid in "${running[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" || true; done; }
trap end EXIT
`

// script turns a page into one shell script: its blocks in order, in one shell and one folder, what
// serves in the background. It is "" for a page without commands.
func script(name, page string, p *ports) string {
	var b strings.Builder
	b.WriteString(prelude)
	ready := "http://127.0.0.1:" + p.of("8484") + "/readyz"
	begun, any := false, false
	for i, block := range blocks(page) {
		switch {
		case block.tag == "yaml" && strings.HasPrefix(block.text, "version: 1\n"):
			fmt.Fprintf(&b, "cat > fairlead.yaml <<'END OF YAML'\n%sEND OF YAML\n", p.replace(block.text))
			continue
		case block.tag == "javascript":
			any = true
			fmt.Fprintf(&b, "echo '### %s:%d'\ncat > block%d.mjs <<'END OF SCRIPT'\n%sEND OF SCRIPT\nnode block%d.mjs\n", name, block.line, i, p.replace(block.text), i)
			continue
		case block.tag != "sh":
			continue
		}
		any = true
		fmt.Fprintf(&b, "echo '### %s:%d'\n", name, block.line)
		for line := range strings.Lines(block.text) {
			serves := server.FindStringSubmatch(line)
			needs := asks(line) || strings.Contains(line, "8484") || strings.Contains(line, "8485")
			if needs && !begun {
				begun = true
				fmt.Fprintf(&b, "background serve %s fairlead serve\n", ready) // the page takes it for granted
			}
			line = p.replace(line)
			switch {
			case serves == nil:
			case serves[1] == "serve" && listen.MatchString(line): // a second node beside the first
				at := listen.FindStringSubmatch(line)[1]
				line = "background serve_" + at + " http://127.0.0.1:" + at + "/readyz env " + line
			case apart.MatchString(line): // one of several control nodes
				at := apart.FindStringSubmatch(line)[1]
				line = "background serve_" + at + " http://127.0.0.1:" + at + "/livez env " + line
			case strings.Contains(line, "--role control"): // it has no data plane
				begun = true
				line = "background serve http://127.0.0.1:" + p.of("8485") + "/livez " + line
			case serves[1] == "serve":
				begun = true
				line = "background serve " + ready + " " + line
			default:
				line = background(line, p)
			}
			b.WriteString(line)
		}
	}
	if !any {
		return ""
	}
	return b.String()
}

// asks reports whether a line has a command that speaks to a control plane.
func asks(line string) bool {
	at := strings.Index(line, "fairlead ")
	return at >= 0 && !alone.MatchString(line[at:])
}

// background starts a fake provider, one for each port.
func background(line string, p *ports) string {
	at := p.of("9001")
	if m := listen.FindStringSubmatch(line); m != nil {
		at = m[1]
	} else {
		line = strings.Replace(line, "fairlead fake", "fairlead fake --listen 127.0.0.1:"+at, 1)
	}
	return "background fake_" + at + " http://127.0.0.1:" + at + "/fake " + line
}

// withYAMLFirst moves the first whole configuration of a page to its top: commands may name the file
// before the page shows it.
func withYAMLFirst(page string) string {
	for _, b := range blocks(page) {
		if b.tag == "yaml" && strings.HasPrefix(b.text, "version: 1\n") {
			return "```yaml\n" + b.text + "```\n" + page
		}
	}
	return page
}
