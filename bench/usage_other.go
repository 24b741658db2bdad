//go:build !linux

package bench

import (
	"errors"
	"runtime"
	"time"
)

var errNotLinux = errors.New("fairlead bench reads the accounting of Linux; run it there")

func cpuTime(int) (time.Duration, error) { return 0, errNotLinux }
func resident(int) (int64, error)        { return 0, errNotLinux }
func children(int) ([]int, error)        { return nil, errNotLinux }
func sleepUntil(t time.Time)             { time.Sleep(time.Until(t)) }
func files() int                         { return 1024 }
func kernel() string                     { return runtime.GOOS }
