package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a child whose processor time and memory are measured.
type process struct {
	command *exec.Cmd
	input   io.WriteCloser
	output  *bufio.Reader
}

func launch(log io.Writer, name string, args ...string) (*process, error) {
	command := exec.Command(name, args...)
	command.Stderr = log
	input, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	return &process{command: command, input: input, output: bufio.NewReader(output)}, nil
}

// line reads a line of what the child says.
func (p *process) line() (string, error) {
	line, err := p.output.ReadString('\n')
	return strings.TrimSpace(line), err
}

// ask sends a line and returns the answer as a number.
func (p *process) ask(line string) (float64, error) {
	if _, err := io.WriteString(p.input, line+"\n"); err != nil {
		return 0, err
	}
	answer, err := p.line()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", line, err)
	}
	return strconv.ParseFloat(answer, 64)
}

func (p *process) stop() error {
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	_ = p.command.Wait() // A control ends by the signal.
	return nil
}

// tick is the unit of processor time in /proc (USER_HZ, 100 on every Linux
// architecture that Go runs on).
const tick = 10 * time.Millisecond

// processorTime returns the user and system time of a process.
func processorTime(pid int) (time.Duration, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat has too few fields", pid)
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick, err
}

// memory returns a line of /proc/PID/status in MiB: VmRSS, or VmHWM for the most
// there ever was.
func memory(pid int, name string) (float64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kibibytes, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return kibibytes / 1024, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/status has no %s", pid, name)
}
