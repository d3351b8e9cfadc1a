package config

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

const (
	redacted = "[redacted]"
	// maxSecret bounds the first line of a secret file.
	maxSecret = 64 << 10
)

// Secret is a value that is given by reference, "file:PATH" or "env:NAME". No way of
// printing a Secret shows it; only Value does.
type Secret struct {
	reference string
	value     string
}

// Value returns the secret itself. It belongs in the option of a room and nowhere else.
func (s Secret) Value() string { return s.value }

// IsZero reports whether there is no reference.
func (s Secret) IsZero() bool { return s.reference == "" }

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// Format prints "[redacted]" for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText takes a reference. The error does not repeat what was written.
func (s *Secret) UnmarshalText(text []byte) error {
	scheme, rest, found := strings.Cut(string(text), ":")
	if !found || (scheme != "file" && scheme != "env") {
		return errSecretByValue
	}
	if rest == "" {
		return fmt.Errorf("%s: names nothing; write file:PATH or env:NAME", scheme)
	}
	s.reference = string(text)
	return nil
}

// file returns the file that the reference names.
func (s Secret) file() (Path, bool) {
	name, found := strings.CutPrefix(s.reference, "file:")
	return Path(name), found
}

// variable returns the variable that the reference names.
func (s Secret) variable() (string, bool) { return strings.CutPrefix(s.reference, "env:") }

// resolve reads the value.
func (s *Secret) resolve(folder string, environ map[string]string) error {
	if name, ok := s.variable(); ok {
		value := environ[name]
		if value == "" {
			return fmt.Errorf("the environment has no variable %s, or it is empty", name)
		}
		s.value = value
		return nil
	}
	name, _ := s.file()
	value, err := firstLine(string(name.in(folder)))
	s.value = value
	return err
}

// firstLine reads the first line of a file, without the line end.
func firstLine(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("%s cannot be read: %w", name, cause(err))
	}
	defer func() { _ = f.Close() }()
	line, err := bufio.NewReader(io.LimitReader(f, maxSecret)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("%s cannot be read: %w", name, cause(err))
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", fmt.Errorf("the first line of %s is empty", name)
	}
	return line, nil
}

// cause strips the name of the file, which the sentence has already, from an error.
func cause(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
