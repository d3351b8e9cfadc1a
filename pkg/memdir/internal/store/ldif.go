package store

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// Load adds the entries of LDIF content records (RFC 2849), parents first: all of them,
// or none when there is an error, which names the line.
func (s *Store) Load(ldif io.Reader) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var added []string
	err := readLDIF(ldif, func(line int, dn string, attributes []directory.Attribute) error {
		name, ok := parseDN(dn)
		key := keyOf(name)
		switch {
		case !ok || key == "":
			return fmt.Errorf("line %d: %q is no name of an entry", line, dn)
		case key != s.suffix && !isBelow(key, s.suffix):
			return fmt.Errorf("line %d: %q is not below %s", line, dn, s.options.Suffix)
		case s.entries[key] != nil:
			return fmt.Errorf("line %d: %q is there already", line, dn)
		case key != s.suffix && s.entries[parentKey(key)] == nil:
			return fmt.Errorf("line %d: %q has no parent; it has to come first", line, dn)
		}
		s.put(s.complete(&entry{key, dn, attributes}, s.options.RootDN))
		added = append(added, key)
		return nil
	})
	if err != nil {
		for _, key := range slices.Backward(added) {
			s.remove(key)
		}
		return fmt.Errorf("LDIF: %w", err)
	}
	return nil
}

// complete adds the operational attributes that an entry lacks. mu is held.
func (s *Store) complete(e *entry, by string) *entry {
	if e.values("entryUUID") == nil {
		e = e.with("entryUUID", newUUID())
	}
	if e.values("createTimestamp") == nil {
		e = e.with("creatorsName", by).with("createTimestamp", s.options.Now().UTC().Format("20060102150405Z"))
	}
	if e.values("entryCSN") == nil {
		e = s.stamp(e, by)
	}
	return e
}

func newUUID() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // It never fails.
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// maxLine is the longest logical line of LDIF that is taken.
const maxLine = 16 << 20

// readLDIF calls each for every record.
func readLDIF(r io.Reader, each func(line int, dn string, attributes []directory.Attribute) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	var record []string
	first, number := 0, 0
	flush := func() error {
		defer func() { record = nil }()
		if len(record) == 0 || len(record) == 1 && strings.HasPrefix(strings.ToLower(record[0]), "version:") {
			return nil
		}
		dn, attributes, err := parseRecord(record)
		if err != nil {
			return fmt.Errorf("in the record at line %d: %w", first, err)
		}
		return each(first, dn, attributes)
	}
	for lines.Scan() {
		number++
		text := strings.TrimSuffix(lines.Text(), "\r")
		switch {
		case text == "":
			if err := flush(); err != nil {
				return err
			}
		case text[0] == ' ':
			if len(record) == 0 {
				return fmt.Errorf("line %d continues nothing", number)
			}
			record[len(record)-1] += text[1:]
		default:
			if len(record) == 0 {
				first = number
			}
			record = append(record, text)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("after line %d: %w", number, err)
	}
	return flush()
}

func parseRecord(record []string) (dn string, attributes []directory.Attribute, err error) {
	for _, line := range record {
		if line[0] == '#' {
			continue
		}
		name, value, err := parseLine(line)
		switch {
		case err != nil:
			return "", nil, err
		case strings.EqualFold(name, "version"):
		case strings.EqualFold(name, "dn"):
			dn = value
		case strings.EqualFold(name, "changetype"):
			return "", nil, fmt.Errorf("changes cannot be loaded, only entries")
		default:
			i := slices.IndexFunc(attributes, func(a directory.Attribute) bool { return strings.EqualFold(a.Name, name) })
			if i < 0 {
				i = len(attributes)
				attributes = append(attributes, directory.Attribute{Name: name})
			}
			attributes[i].Values = append(attributes[i].Values, value)
		}
	}
	if dn == "" {
		return "", nil, fmt.Errorf("it has no dn")
	}
	return dn, attributes, nil
}

// parseLine parses a logical line: "name: value", or "name:: base64".
func parseLine(line string) (name, value string, err error) {
	name, value, ok := strings.Cut(line, ":")
	switch {
	case !ok || name == "":
		return "", "", fmt.Errorf("%q is not of the form \"name: value\"", line)
	case strings.HasPrefix(value, "<"):
		return "", "", fmt.Errorf("%s: values cannot be taken from files", name)
	case !strings.HasPrefix(value, ":"):
		return name, strings.TrimLeft(value, " "), nil
	}
	octets, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value[1:]))
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", name, err)
	}
	return name, string(octets), nil
}

// Dump writes all entries as LDIF, parents first.
func (s *Store) Dump(w io.Writer) error {
	s.mu.RLock()
	all := make([]*entry, 0, len(s.entries))
	for _, e := range s.entries {
		all = append(all, e)
	}
	s.mu.RUnlock()
	slices.SortFunc(all, func(a, b *entry) int {
		return cmp.Or(strings.Count(a.key, ",")-strings.Count(b.key, ","), strings.Compare(a.key, b.key))
	})
	out := bufio.NewWriter(w)
	for _, e := range all {
		writeLine(out, "dn", e.dn)
		for _, a := range e.attributes {
			for _, value := range a.Values {
				writeLine(out, a.Name, value)
			}
		}
		_ = out.WriteByte('\n') // Flush tells.
	}
	return out.Flush()
}

// writeLine writes a value as it is where RFC 2849 allows it, else in base64.
func writeLine(w *bufio.Writer, name, value string) {
	safe := value == "" || !strings.ContainsRune(" :<", rune(value[0])) && value[len(value)-1] != ' '
	for i := range len(value) {
		safe = safe && value[i] != 0 && value[i] != '\n' && value[i] != '\r' && value[i] < 0x80
	}
	if safe {
		_, _ = fmt.Fprintf(w, "%s: %s\n", name, value)
	} else {
		_, _ = fmt.Fprintf(w, "%s:: %s\n", name, base64.StdEncoding.EncodeToString([]byte(value)))
	}
}
