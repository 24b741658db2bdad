package pgtest

import "syscall"

// endWithParent has the system end a process together with the thread that started it.
func endWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT} }
