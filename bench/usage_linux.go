package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is the processor time that a process has used so far, in user and kernel mode, by all of
// its threads. It reads the process's own clock: clock_getcpuclockid(3) makes its id from the
// process id, and unlike /proc/PID/stat it counts nanoseconds, not ticks of 10 ms.
func cpuTime(pid int) (time.Duration, error) {
	const cpuClockSched = 2
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid)<<3|cpuClockSched, &t); err != nil {
		return 0, fmt.Errorf("read processor time of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// resident is how many bytes of memory a process has in RAM.
func resident(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read memory of process: %w", err)
	}
	_, rest, ok := bytes.Cut(status, []byte("VmRSS:"))
	number, _, ok2 := bytes.Cut(bytes.TrimSpace(rest), []byte(" kB"))
	kib, err := strconv.ParseInt(string(number), 10, 64)
	if !ok || !ok2 || err != nil {
		return 0, fmt.Errorf("read memory of process %d: no VmRSS", pid)
	}
	return kib << 10, nil
}

// children lists the processes that a process has started.
func children(pid int) ([]int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var found []int
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		// The name, in parentheses, may hold anything; state and parent follow its last ')'.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) < 2 || string(fields[1]) != strconv.Itoa(pid) {
			continue
		}
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil {
			found = append(found, child)
		}
	}
	return found, nil
}

// sleepUntil waits with the kernel's precision. The runtime's timers round waits up to whole
// milliseconds where nothing else wakes the program, which is more than what is measured.
func sleepUntil(t time.Time) {
	for {
		d := time.Until(t)
		if d <= 0 {
			return
		}
		ts := unix.NsecToTimespec(int64(d))
		_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &ts, nil) // woken early by a signal: the loop looks again
	}
}

// files is how many files this process and its children may hold open.
func files() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 1024
	}
	return int(min(limit.Max, 1<<20))
}

// kernel names the system's kernel.
func kernel() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return ""
	}
	return "Linux " + unix.ByteSliceToString(u.Release[:])
}
