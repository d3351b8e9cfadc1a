package config

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// checker collects problems about a decoded File.
type checker struct {
	file     *File
	folder   string
	environ  map[string]string
	problems Problems
}

// check looks at every section.
func (c *checker) check() {
	c.version()
	c.server()
	c.tls()
	c.settleMethods()
	c.directory()
	c.mapping()
	c.auth()
	c.limits()
	c.audit()
	c.admin()
}

// fail records a problem, unless one about the value, or about a section around it,
// has been told.
func (c *checker) fail(path, format string, args ...any) {
	c.record(path, false, fmt.Sprintf(format, args...))
}

// warn records what does not keep the gateway from starting.
func (c *checker) warn(path, format string, args ...any) {
	c.record(path, true, fmt.Sprintf(format, args...))
}

func (c *checker) record(path string, warning bool, message string) {
	if !c.file.Sound(path) {
		return
	}
	if !warning {
		c.file.broken[dotted(path)] = true
	}
	p := c.file.Problem(path, message)
	p.Warning = warning
	c.problems = append(c.problems, p)
}

// required reports whether the value is there, and fails when it is not.
func (c *checker) required(path, value, example string) bool {
	if value == "" {
		c.fail(path, "is missing; write for example %s", example)
		return false
	}
	return true
}

// oneOf fails unless the value is one of those allowed.
func (c *checker) oneOf(path, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		c.fail(path, "%q is not known; write %s", value, strings.Join(allowed, " or "))
	}
}

// within fails unless the number is between the bounds.
func (c *checker) within(path string, n, low, high int) {
	if n < low || n > high {
		c.fail(path, "%d is not between %d and %d", n, low, high)
	}
}

// bounded fails unless the duration is between the bounds.
func (c *checker) bounded(path string, d, low, high Duration) {
	if d < low || d > high {
		c.fail(path, "%s is not between %s and %s", d, low, high)
	}
}

// noEffect fails for keys that another key makes useless.
func (c *checker) noEffect(because string, paths ...string) {
	for _, path := range paths {
		if c.file.IsSet(path) {
			c.fail(path, "has no effect with %s; remove it", because)
		}
	}
}

// missingElements fails for numbers left out in a list, which only the environment and
// flags can do.
func (c *checker) missingElements(path string, length int) {
	for i := range length {
		if at := fmt.Sprintf("%s[%d]", path, i); !c.file.IsSet(at) && !c.anySet(at) {
			c.fail(at, "is missing, though a later element is set; elements are numbered from 0 without gaps")
		}
	}
}

// anySet reports whether any key below path is set.
func (c *checker) anySet(path string) bool {
	for at := range c.file.places {
		if strings.HasPrefix(at, dotted(path)+".") {
			return true
		}
	}
	return false
}

// secrecy is how much a file is to be protected.
type secrecy int

const (
	public secrecy = iota
	private
)

// readable makes the path absolute or relative to the working directory, and fails when
// there is no regular file that can be read.
func (c *checker) readable(path string, p *Path, s secrecy) {
	if *p == "" {
		return
	}
	*p = p.in(c.folder)
	f, err := os.Open(string(*p))
	if err != nil {
		c.fail(path, "%s cannot be read: %v", *p, cause(err))
		return
	}
	defer func() { _ = f.Close() }()
	stat, err := f.Stat()
	switch {
	case err != nil:
		c.fail(path, "%s cannot be read: %v", *p, cause(err))
	case stat.IsDir():
		c.fail(path, "%s is a folder; name a file", *p)
	case s == private:
		c.permissions(path, *p, stat.Mode().Perm())
	}
}

// permissions judges the mode of a file that holds a secret. Container platforms hand
// out secrets that everyone in the container may read, so that is only a warning.
func (c *checker) permissions(path string, p Path, mode os.FileMode) {
	switch {
	case mode&0o002 != 0:
		c.fail(path, "%s holds a secret and everyone may write it (mode %04o); chmod 600 %s", p, mode, p)
	case mode&0o004 != 0:
		c.warn(path, "%s holds a secret and everyone may read it (mode %04o); chmod 600 %s", p, mode, p)
	}
}

// folderAt fails when there is no folder that can be listed.
func (c *checker) folderAt(path string, p *Path) {
	if *p == "" {
		return
	}
	*p = p.in(c.folder)
	if stat, err := os.Stat(string(*p)); err == nil && !stat.IsDir() {
		c.fail(path, "%s is a file; name a folder", *p)
	} else if _, err := os.ReadDir(string(*p)); err != nil {
		c.fail(path, "%s cannot be read: %v", *p, cause(err))
	}
}

// secret reads the value behind a reference.
func (c *checker) secret(path string, s *Secret) {
	if s.IsZero() {
		c.fail(path, "is missing; write file:PATH or env:NAME")
		return
	}
	if name, ok := s.file(); ok {
		before := len(c.problems.Errors())
		if c.readable(path, &name, private); len(c.problems.Errors()) > before {
			return
		}
	}
	if err := s.resolve(c.folder, c.environ); err != nil {
		c.fail(path, "%v", err)
	}
}
