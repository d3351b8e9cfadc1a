package slapd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/rest2ldap/rest2ldap/internal/exampledata"
)

// Where Debian's packages put things.
const (
	debianModules = "/usr/lib/ldap"
	debianSchema  = "/etc/ldap/schema"
)

// installation is the OpenLDAP of this machine.
type installation struct {
	slapd, modules, schema string
}

// findInstallation looks where the usual packages put things.
func findInstallation() (*installation, error) {
	slapd, err := exec.LookPath("slapd")
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/usr/local/libexec", "/usr/libexec"} {
		if err == nil {
			break
		}
		slapd, err = exec.LookPath(filepath.Join(dir, "slapd"))
	}
	if err != nil {
		return nil, fmt.Errorf("%w: slapd is not installed", ErrUnavailable)
	}
	modules := firstDirWith("dynlist*", debianModules, "/usr/lib64/openldap", "/usr/lib/openldap", "/usr/local/libexec/openldap")
	schema := firstDirWith("inetorgperson.schema", debianSchema, "/etc/openldap/schema", "/usr/local/etc/openldap/schema")
	if modules == "" || schema == "" {
		return nil, fmt.Errorf("%w: %s has no modules or no schema in the usual places", ErrUnavailable, slapd)
	}
	return &installation{slapd: slapd, modules: modules, schema: schema}, nil
}

// firstDirWith returns the first folder that holds a file of that pattern.
func firstDirWith(pattern string, dirs ...string) string {
	for _, dir := range dirs {
		if found, err := filepath.Glob(filepath.Join(dir, pattern)); err == nil && len(found) > 0 {
			return dir
		}
	}
	return ""
}

// process runs slapd as a child of this process.
type process struct {
	site    *site
	slapd   string
	urls    string // of its listeners
	logFile string
	loaded  bool
	command *exec.Cmd     // nil while stopped
	ended   chan struct{} // closed when the command has ended
}

// newProcess prepares a server on that port of 127.0.0.1, and at another URL, if any.
func newProcess(s *site, port, clearURL string) (*process, error) {
	found, err := findInstallation()
	if err != nil {
		return nil, err
	}
	if err := s.configure(layout{Root: s.dir, Modules: found.modules, Schema: found.schema, GnuTLS: found.modules == debianModules}); err != nil {
		return nil, err
	}
	return &process{
		site:    s,
		slapd:   found.slapd,
		urls:    strings.TrimSpace("ldaps://127.0.0.1:" + port + " " + clearURL),
		logFile: filepath.Join(s.dir, "slapd.log"),
	}, nil
}

func (p *process) start(ctx context.Context) error {
	conf := filepath.Join(p.site.dir, confFile)
	if !p.loaded && !p.site.member.isEmpty() {
		// slapadd is slapd under another name; not every package links it.
		add := exec.CommandContext(ctx, p.slapd, "-T", "add", "-q", "-w", "-f", conf, "-b", exampledata.BaseDN, "-l", filepath.Join(p.site.dir, dataFile))
		if out, err := add.CombinedOutput(); err != nil {
			return fmt.Errorf("loading the data: %w: %s", err, tail(string(out), 10))
		}
		p.loaded = true
	}
	log, err := os.OpenFile(p.logFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	// Not bound to the context: the server outlives its start.
	command := exec.Command(p.slapd, "-f", conf, "-h", p.urls, "-d", p.site.options.LogLevel)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = childAttributes()
	if err := command.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait()
		close(ended)
	}()
	p.command, p.ended = command, ended
	return nil
}

func (p *process) stop(context.Context) error {
	if p.command == nil {
		return nil
	}
	child := p.command.Process
	p.command = nil
	// A frozen process takes its end only when it goes on.
	for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGCONT} {
		if err := child.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopTimeout):
	}
	if err := child.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.ended
	return nil
}

func (p *process) exited(context.Context) bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

func (p *process) freeze(_ context.Context, frozen bool) error {
	if p.command == nil {
		return errors.New("the server is stopped")
	}
	if !frozen {
		return p.command.Process.Signal(syscall.SIGCONT)
	}
	if err := p.command.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	// The signal is on its way; the wait ends when every thread has stopped.
	for {
		var status syscall.WaitStatus
		if _, err := syscall.Wait4(p.command.Process.Pid, &status, syscall.WUNTRACED, nil); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

func (p *process) logs(context.Context) string {
	log, err := os.ReadFile(p.logFile)
	if err != nil {
		return err.Error()
	}
	return string(log)
}

func (p *process) describe() string { return string(Process) }

func (p *process) remove(ctx context.Context) error { return p.stop(ctx) }

// PID returns the process id of slapd, to measure its processor time; 0 while it
// does not run, and for a container.
func (s *Server) PID() int {
	if p, ok := s.backend.(*process); ok && p.command != nil {
		return p.command.Process.Pid
	}
	return 0
}
