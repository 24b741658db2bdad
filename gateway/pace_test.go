package gateway

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"testing"
)

func TestPercent(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		name                string
		live, bodies, small int64
		want                int
	}{
		{"a tiny heap is left alone", mib / 2, 0, 104 * mib, 2500},
		{"a small heap is left alone", 10 * mib, 0, 110 * mib, 1000},
		{"on a small machine it grows by 64 MiB", 10 * mib, 0, 32 * mib, 640},
		{"one that is not small grows by 64 MiB", 128 * mib, 0, 160 * mib, 50},
		{"a heap of streams grows by half", 250 * mib, 0, 192 * mib, 50},
		{"a gigabyte of bodies grows by 64 MiB", 1100 * mib, 1024 * mib, 192 * mib, 5},
		{"bodies that the last collection has not seen", 20 * mib, 1024 * mib, 192 * mib, 6},
		{"never less than the least", 8192 * mib, 8000 * mib, 192 * mib, 3},
		{"nothing known", 0, 0, 0, 1600},
	} {
		if got := percent(c.live, c.bodies, c.small); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// TestSmallHeapIsBounded holds that a heap in which next to nothing lives is collected when it is no longer small: the
// runtime's own least heap, of which it grows by the same part, must not make it another.
func TestSmallHeapIsBounded(t *testing.T) {
	p := pacer{}
	done, ended := make(chan struct{}), make(chan struct{})
	runtime.GC()
	go func() {
		defer close(ended)
		p.run(done)
	}()
	defer func() {
		close(done)
		<-ended
	}()
	for small := int64(0); small == 0; runtime.Gosched() {
		p.mu.Lock()
		small = p.small
		p.mu.Unlock()
	}
	goal := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}}
	metrics.Read(goal)
	// Stacks and globals, of which the race detector makes more, come on top.
	if most := uint64(max(p.small, garbage) + 8*leastLive); goal[0].Value.Uint64() > most {
		t.Errorf("the heap may reach %d MiB; want %d", goal[0].Value.Uint64()>>20, most>>20)
	}
}

func TestMemoryOf(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"nothing told":        {nil, unknownMemory},
		"a machine":           {map[string]string{"proc/meminfo": "MemFree: 1 kB\nMemTotal:       2048 kB\nX: 3 kB\n"}, 2 << 20},
		"a bounded group":     {map[string]string{"proc/meminfo": "MemTotal: 2048 kB\n", "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "4096\n"}, 4096},
		"a service's group":   {map[string]string{"proc/self/cgroup": "1:cpu:/x\n0::/system.slice/a.service\n", "sys/fs/cgroup/system.slice/a.service/memory.max": "4096\n", "sys/fs/cgroup/system.slice/memory.max": "max\n"}, 4096},
		"a group around it":   {map[string]string{"proc/self/cgroup": "0::/system.slice/a.service\n", "sys/fs/cgroup/system.slice/a.service/memory.max": "max\n", "sys/fs/cgroup/system.slice/memory.max": "8192\n"}, 8192},
		"an unbounded group":  {map[string]string{"proc/meminfo": "MemTotal: 2048 kB\n", "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, 2 << 20},
		"an older group":      {map[string]string{"proc/meminfo": "MemTotal: 2048 kB\n", "proc/self/cgroup": "4:memory:/a\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "8192\n"}, 8192},
		"an older, unbounded": {map[string]string{"proc/self/cgroup": "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, unknownMemory},
		"empty files":         {map[string]string{"proc/meminfo": "", "proc/self/cgroup": "\n::\n0::", "sys/fs/cgroup/memory.max": ""}, unknownMemory},
	} {
		root := t.TempDir()
		for path, text := range c.files {
			path = filepath.Join(root, path)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := memoryOf(root); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	const limit = 16 << 20
	var b bodies
	if !b.take(2*limit, 2*limit, limit) {
		t.Fatal("a body that is alone is not let in")
	}
	b.give(2 * limit)
	if !b.take(limit-limit/reserve, limit, limit) {
		t.Fatal("a large body does not get what is free")
	}
	if b.take(smallBody+1, smallBody+1, limit) {
		t.Error("a large body took what is kept for small ones")
	}
	taken := 0
	for b.take(smallBody, smallBody, limit) {
		taken++
	}
	if taken != limit/reserve/smallBody {
		t.Errorf("%d small bodies were let in", taken)
	}
	b.give(limit)
	if got := b.used.Load(); got != 0 {
		t.Errorf("%d bytes are held by nobody", got)
	}
}
