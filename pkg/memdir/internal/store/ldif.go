package store

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// maxLine bounds a line of LDIF, with its continuations.
const maxLine = 16 << 20

// Load adds the entries of LDIF content records (RFC 2849), parents first, as the root.
// What the server writes is taken when it is there, and made else. Nothing after an error
// is loaded; the error names the line.
func (s *Store) Load(ldif io.Reader) error {
	r := &records{scanner: bufio.NewScanner(ldif)}
	r.scanner.Buffer(make([]byte, 0, 64<<10), maxLine)
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		record, err := r.next()
		switch {
		case err != nil:
			return fmt.Errorf("memdir: line %d: %w", r.begin, err)
		case record == nil:
			return nil
		}
		if err := s.load(record); err != nil {
			return fmt.Errorf("memdir: line %d: %w", r.first, err)
		}
	}
}

// load adds one entry. s.mu is held.
func (s *Store) load(record *record) error {
	n, err := s.schema.parseDN(record.dn)
	if err != nil || n.isZero() || !n.isBelow(s.suffix) {
		return fmt.Errorf("%q is not the name of an entry at or below %q", record.dn, s.suffix)
	}
	e, result := s.build(n, record.attributes, true)
	if result.Code != success {
		return errors.New(result.Message)
	}
	found, above := s.find(n)
	switch {
	case found != nil:
		return fmt.Errorf("%q is there already", record.dn)
	case n.key() != s.suffix.key() && (above == nil || above.key != n.parent().key()):
		return fmt.Errorf("%q has no parent; parents come first", record.dn)
	}
	if result := s.checkEntry(e, ""); result.Code != success {
		return errors.New(result.Message)
	}
	var given []attribute
	for _, a := range e.attributes {
		if a.typ.noUserMod && a.typ.name != "structuralObjectClass" {
			given = append(given, a)
		}
	}
	s.stamp(e, Who{DN: s.root.String()}, true)
	for _, a := range given {
		e.set(a)
	}
	s.put(e, above)
	return nil
}

// record is an LDIF content record.
type record struct {
	dn         string
	attributes []directory.Attribute
}

// records reads LDIF.
type records struct {
	scanner *bufio.Scanner
	line    int    // of the last one read
	begin   int    // of the line at hand
	first   int    // line of the record
	held    string // a line read ahead
	has     bool
}

// next returns the next record, nil at the end.
func (r *records) next() (*record, error) {
	var found *record
	for {
		line, ok, err := r.logical()
		switch {
		case err != nil:
			return nil, err
		case !ok, line == "" && found != nil:
			return found, nil
		case line == "", strings.HasPrefix(line, "#"):
			continue
		case found == nil && strings.HasPrefix(strings.ToLower(line), "version:"):
			continue
		}
		name, value, err := pairOf(line)
		switch {
		case err != nil:
			return nil, err
		case found == nil && !strings.EqualFold(name, "dn"):
			return nil, fmt.Errorf("an entry begins with \"dn:\", and not with %q", name)
		case found == nil:
			found, r.first = &record{dn: value}, r.begin
		case strings.EqualFold(name, "changetype") || strings.EqualFold(name, "control"):
			return nil, errors.New("changes are not taken, entries are")
		default:
			found.add(name, value)
		}
	}
}

func (r *record) add(name, value string) {
	for i := range r.attributes {
		if strings.EqualFold(r.attributes[i].Name, name) {
			r.attributes[i].Values = append(r.attributes[i].Values, value)
			return
		}
	}
	r.attributes = append(r.attributes, directory.Attribute{Name: name, Values: []string{value}})
}

// logical returns the next line with its continuations.
func (r *records) logical() (string, bool, error) {
	if !r.has && !r.scan() {
		return "", false, r.scanner.Err()
	}
	var b strings.Builder
	b.WriteString(r.held)
	r.begin, r.has = r.line, false
	for r.scan() {
		rest, continued := strings.CutPrefix(r.held, " ")
		if !continued {
			return b.String(), true, nil
		}
		if b.Len()+len(rest) > maxLine {
			return "", false, errors.New("the line is too long")
		}
		b.WriteString(rest)
		r.has = false
	}
	return b.String(), true, r.scanner.Err()
}

func (r *records) scan() bool {
	if !r.scanner.Scan() {
		return false
	}
	r.line++
	r.held, r.has = strings.TrimSuffix(r.scanner.Text(), "\r"), true
	return true
}

func pairOf(line string) (name, value string, err error) {
	name, value, found := strings.Cut(line, ":")
	if !found || name == "" {
		return "", "", fmt.Errorf("%.40q is no attribute and value", line)
	}
	if encoded, ok := strings.CutPrefix(value, ":"); ok {
		octets, err := base64.StdEncoding.DecodeString(strings.Trim(encoded, " "))
		if err != nil {
			return "", "", fmt.Errorf("the value of %s is not base64", name)
		}
		return name, string(octets), nil
	}
	if strings.HasPrefix(value, "<") {
		return "", "", fmt.Errorf("the value of %s is a URL, which is not read", name)
	}
	return name, strings.TrimLeft(value, " "), nil
}

// Dump writes all entries as LDIF, parents first, with what the server wrote.
func (s *Store) Dump(w io.Writer) error {
	s.mu.RLock()
	var all []candidate
	if top := s.entries[s.suffix.key()]; top != nil {
		all = top.descend([]candidate{top.candidate()})
	}
	s.mu.RUnlock()
	b := bufio.NewWriter(w)
	for _, c := range all {
		writePair(b, "dn", c.dn)
		for _, a := range c.attributes {
			for _, value := range a.values {
				writePair(b, a.name(), value)
			}
		}
		_ = b.WriteByte('\n') // Flush tells.
	}
	return b.Flush()
}

// writePair writes an attribute and a value, as base64 where it has to be (RFC 2849).
func writePair(b *bufio.Writer, name, value string) {
	safe := value == "" || strings.IndexByte(" :<", value[0]) < 0 && value[len(value)-1] != ' '
	for i := 0; safe && i < len(value); i++ {
		safe = value[i] >= 0x20 && value[i] < 0x7f
	}
	if safe {
		_, _ = fmt.Fprintf(b, "%s: %s\n", name, value)
	} else {
		_, _ = fmt.Fprintf(b, "%s:: %s\n", name, base64.StdEncoding.EncodeToString([]byte(value)))
	}
}
