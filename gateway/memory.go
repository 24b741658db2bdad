package gateway

import (
	"bufio"
	"bytes"
	"os"
	"path"
	"strconv"
	"strings"
)

// unknownMemory is what a machine is taken to have that does not tell.
const unknownMemory = 1 << 30

// memoryOf is the bytes of memory that this process may use: the machine's, or less where a control group
// of it is bounded. root is the file system's.
func memoryOf(root string) int64 {
	least := int64(0)
	note := func(n int64) {
		if n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	if text, err := os.ReadFile(root + "/proc/meminfo"); err == nil {
		_, rest, _ := bytes.Cut(text, []byte("MemTotal:"))
		note(firstNumber(rest) << 10)
	}
	for _, file := range bounds(root) {
		if text, err := os.ReadFile(root + file); err == nil {
			note(firstNumber(text))
		}
	}
	if least == 0 {
		return unknownMemory
	}
	return least
}

// bounds lists the files that state the bounds of this process's control groups, up to the outermost, for
// both kinds of control groups (cgroups(7)).
func bounds(root string) (files []string) {
	text, err := os.ReadFile(root + "/proc/self/cgroup")
	if err != nil {
		return nil
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		parts := strings.SplitN(lines.Text(), ":", 3)
		if len(parts) < 3 {
			continue
		}
		base, file := "/sys/fs/cgroup", "memory.max"
		if parts[1] == "memory" {
			base, file = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
		} else if parts[1] != "" {
			continue
		}
		for group := path.Clean("/" + parts[2]); ; group = path.Dir(group) {
			files = append(files, path.Join(base, group, file))
			if group == "/" {
				break
			}
		}
	}
	return files
}

// firstNumber is the number that a text begins with; 0 where there is none, as for "max", or where it is
// so large that it bounds nothing.
func firstNumber(text []byte) int64 {
	words := bytes.Fields(text)
	if len(words) == 0 {
		return 0
	}
	n, err := strconv.ParseInt(string(words[0]), 10, 64)
	if err != nil || n < 0 || n >= 1<<50 {
		return 0
	}
	return n
}
