package spool

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// child is what this binary does as another process.
func child(part, dir string) {
	var err error
	switch part {
	case "append":
		err = appendForEver(dir)
	case "full":
		err = fillDisk(dir)
	}
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

// appendForEver writes numbered lines, and tells of each once Append returned.
func appendForEver(dir string) error {
	s, err := Open(dir, Options{Node: "edge-1", Lines: 7, Every: time.Millisecond, Sync: time.Millisecond, Segment: 2000})
	if err != nil {
		return err
	}
	from, err := strconv.Atoi(os.Getenv("SPOOL_FROM"))
	for i := from; err == nil; i++ {
		if err = s.Append(fmt.Appendf(nil, `{"n":%d}`, i)); err == nil {
			_, err = fmt.Println(i)
		}
	}
	return err
}

func command(part, dir string, env ...string) *exec.Cmd {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), append(env, "SPOOL_CHILD="+part, "SPOOL_DIR="+dir)...)
	return c
}

// TestKilled kills a process in the middle of its appends, again and again: no line that Append returned for is
// missing, none comes twice, and none is torn. One more line than was told of may be there.
func TestKilled(t *testing.T) {
	dir, wrote := t.TempDir(), 0
	var got []string
	for range 12 {
		c := command("append", dir, "SPOOL_FROM="+strconv.Itoa(wrote+1))
		out, err := c.StdoutPipe()
		check(t, err)
		check(t, c.Start())
		most := wrote + 1 + rand.IntN(400)
		told := wrote
		r := bufio.NewReader(out)
		for told < most {
			line, err := r.ReadBytes('\n')
			check(t, err)
			told, err = strconv.Atoi(string(bytes.TrimSpace(line)))
			check(t, err)
		}
		check(t, c.Process.Kill())
		rest, err := io.ReadAll(r)
		check(t, err)
		if list := bytes.Fields(rest); len(list) > 0 && rest[len(rest)-1] == '\n' {
			told, err = strconv.Atoi(string(list[len(list)-1]))
			check(t, err)
		} else if len(list) > 1 {
			told, err = strconv.Atoi(string(list[len(list)-2]))
			check(t, err)
		}
		_ = c.Wait() // it was killed
		s := open(t, dir, Options{Lines: 7, Every: time.Millisecond})
		got = append(got, drain(t, s, told-len(got))...)
		check(t, s.Close())
		s = open(t, dir, Options{Lines: 7, Every: time.Millisecond})
		if st := s.Stats(); st.Waiting > 0 || st.Last > st.Acked {
			got = append(got, drain(t, s, 1)...)
		}
		check(t, s.Close())
		wrote = len(got)
	}
	same(t, "lines", got, numbered(1, wrote))
}

// fillDisk meets a file that may not grow: lines are refused, and taken again when there is room.
func fillDisk(dir string) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	small := syscall.Rlimit{Cur: 4000, Max: limit.Max}
	s, err := Open(dir, Options{Node: "edge-1", Every: time.Millisecond})
	if err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		return err
	}
	taken := 0
	for err == nil {
		if err = s.Append(fmt.Appendf(nil, `{"n":%d}`, taken+1)); err == nil {
			taken++
		}
	}
	if !errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("a full disk gives %w", err)
	}
	if st := s.Stats(); st.Failing == "" || st.Refused != 1 {
		return fmt.Errorf("a full disk gives %+v", st)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	for range 3 {
		if err := s.Append(fmt.Appendf(nil, `{"n":%d}`, taken+1)); err != nil {
			return err
		}
		taken++
	}
	if st := s.Stats(); st.Failing != "" || st.Lines != int64(taken) {
		return fmt.Errorf("with room again: %+v", st)
	}
	fmt.Println(taken)
	return s.Close()
}

// TestFullDisk holds that a full disk is told, costs the lines that do not fit and no others, and heals.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	out, err := command("full", dir).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	taken, err := strconv.Atoi(string(bytes.TrimSpace(out)))
	check(t, err)
	if taken < 100 {
		t.Fatalf("%d lines were taken", taken)
	}
	same(t, "lines", drain(t, open(t, dir, Options{}), taken), numbered(1, taken))
}
