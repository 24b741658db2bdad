package gateway

import (
	"bytes"
	"os"
	"strconv"
)

// unknownMemory is what a machine is taken to have that does not tell.
const unknownMemory = 1 << 30

// memoryOf is the bytes of memory that this process may use: the machine's, or less where its control
// group is bounded. root is the file system's.
func memoryOf(root string) int64 {
	least := int64(0)
	for _, f := range []struct {
		path, before string
		unit         int64
	}{
		{"/proc/meminfo", "MemTotal:", 1 << 10},
		{"/sys/fs/cgroup/memory.max", "", 1},
		{"/sys/fs/cgroup/memory/memory.limit_in_bytes", "", 1}, // of the older kind of control groups
	} {
		text, err := os.ReadFile(root + f.path)
		if err != nil {
			continue
		}
		_, rest, _ := bytes.Cut(text, []byte(f.before))
		words := bytes.Fields(rest)
		if len(words) == 0 {
			continue
		}
		n, err := strconv.ParseInt(string(words[0]), 10, 64) // "max" is no bound
		if err == nil && n > 0 && n < 1<<50 && (least == 0 || n*f.unit < least) {
			least = n * f.unit
		}
	}
	if least == 0 {
		return unknownMemory
	}
	return least
}
