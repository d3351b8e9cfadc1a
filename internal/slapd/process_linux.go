package slapd

import "syscall"

// childAttributes makes the kernel end slapd with us, so that a test binary
// that is killed leaves no server behind.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
