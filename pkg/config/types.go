package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration that is written with its unit: 500ms, 30s, 5m, 1h.
// A bare number is refused, so that nobody has to guess what it counts.
type Duration time.Duration

// Std returns the duration in the form of the standard library.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String returns the form that UnmarshalText takes.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalText returns String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText parses a duration that is not negative.
func (d *Duration) UnmarshalText(text []byte) error {
	s := string(text)
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return fmt.Errorf("%s has no unit; write for example %ss", s, s)
	}
	parsed, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("%q is not a duration; write for example 500ms, 30s, 5m or 1h", s)
	}
	if parsed < 0 {
		return fmt.Errorf("%q is negative", s)
	}
	*d = Duration(parsed)
	return nil
}

// Size is a number of bytes that is written with its unit: 512B, 64KiB, 1MiB, 2GiB.
type Size int64

// String returns the form that UnmarshalText takes, in the largest unit that fits.
func (s Size) String() string {
	for _, u := range sizeUnits() {
		if s != 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return "0B"
}

// MarshalText returns String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText parses a size.
func (s *Size) UnmarshalText(text []byte) error {
	written := string(text)
	if _, err := strconv.ParseFloat(written, 64); err == nil {
		return fmt.Errorf("%s has no unit; write B, KiB, MiB or GiB behind it, for example 1MiB", written)
	}
	for _, u := range sizeUnits() {
		number, found := strings.CutSuffix(written, u.name)
		if !found {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err != nil || n < 0 || n > (1<<62)/u.bytes || strings.HasPrefix(number, "+") {
			break
		}
		*s = Size(n * u.bytes)
		return nil
	}
	return fmt.Errorf("%q is not a size; write a whole number and B, KiB, MiB or GiB, for example 1MiB", written)
}

type sizeUnit struct {
	name  string
	bytes int64
}

// sizeUnits are in the order of their size; "B" is last, for the others end in it.
func sizeUnits() []sizeUnit {
	return []sizeUnit{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}
}

// Path is the name of a file or folder. Load makes a relative one relative to the
// folder of the configuration file.
type Path string

// in returns the path as seen from the folder.
func (p Path) in(folder string) Path {
	if p == "" || filepath.IsAbs(string(p)) {
		return p
	}
	return Path(filepath.Join(folder, string(p)))
}

// errSecretByValue never repeats what was written.
var errSecretByValue = errors.New(`a secret does not stand in the configuration itself; ` +
	`write file:PATH for the first line of a file, or env:NAME for a variable of the environment`)
