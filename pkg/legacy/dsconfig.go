package legacy

import (
	"slices"
	"strings"
)

// parseDsconfig reads what dsconfig takes, a batch file or a script with its commands, and
// what it prints, the tables of its list- and get- commands.
func parseDsconfig(file string, data []byte) objects {
	d := &dsconfig{}
	for _, line := range continued(string(data)) {
		d.place = Place{File: file, Line: line.number, Column: 1}
		switch {
		case isRule(line.text):
			d.header, d.before = d.before, nil
		case strings.Contains(line.text, " : ") && d.header != nil:
			d.row(cells(line.text))
		case strings.Contains(line.text, " : ") && !strings.Contains(line.text, "--"):
			d.before = cells(line.text)
		default:
			d.header, d.before = nil, nil
			d.command(words(line.text))
		}
	}
	d.adopt()
	return d.all
}

// adopt gives the properties of a table without a name to the object that they must be of:
// the only one of the kind, or the only mechanism that has such properties.
func (d *dsconfig) adopt() {
	for _, o := range slices.Clone(d.all) {
		if o.name != "" || o.kind == kindGlobal {
			continue
		}
		others := slices.DeleteFunc(d.all.of(o.kind), func(other *object) bool {
			return other.name == "" || len(o.all("alt-authentication-enabled")) > 0 && !strings.HasPrefix(other.variant, "http-basic")
		})
		if len(others) != 1 {
			continue
		}
		for _, p := range o.properties {
			others[0].add(p.place, propertyOf(p), p.text)
		}
		d.all = slices.DeleteFunc(d.all, func(other *object) bool { return other == o })
	}
}

// continued joins lines that end in a backslash with those after them, and leaves comments
// out.
func continued(text string) []numbered {
	var lines []numbered
	open := false
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if !open && strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		part, more := strings.CutSuffix(line, `\`)
		if open {
			lines[len(lines)-1].text += " " + part
		} else {
			lines = append(lines, numbered{number, part})
		}
		open = more
	}
	return lines
}

// isRule reports whether a line divides the head of a table from its rows.
func isRule(line string) bool {
	return strings.Contains(line, "-:-") && strings.Trim(line, "-: ") == ""
}

func cells(line string) []string {
	parts := strings.Split(line, " : ")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// dsconfig gathers objects.
type dsconfig struct {
	all   objects
	place Place
	// before is a line that may be the head of a table, and header the head of the one
	// that is being read.
	before, header []string
	// asked is the object of which the last get- command has asked; table is the one of
	// the table of properties that is being read.
	asked, table *object
}

// row reads a row of a table.
func (d *dsconfig) row(row []string) {
	kind := strings.ReplaceAll(strings.ToLower(d.header[0]), " ", "-")
	if kind == "property" {
		d.property(row)
		return
	}
	if !slices.Contains(kinds(), kind) {
		return
	}
	o := d.object(kind, row[0])
	for i, value := range row[1:] {
		if i+1 >= len(d.header) || value == "-" || value == "" {
			continue
		}
		if column := strings.ToLower(d.header[i+1]); column == "type" {
			o.setVariant(value)
		} else {
			d.values(o, column, value)
		}
	}
}

// property reads a row of a table of properties.
func (d *dsconfig) property(row []string) {
	if len(row) < 2 {
		return
	}
	if d.asked != nil {
		d.table, d.asked = d.asked, nil
	}
	kind := map[string]string{
		"authorization-mechanism": kindEndpoint, "base-path": kindEndpoint, "config-directory": kindEndpoint,
		"listen-port": kindHandler, "listen-address": kindHandler, "match-attribute": kindMapper, "match-base-dn": kindMapper, "key-store-file": kindKeyManager,
		"alt-authentication-enabled": kindMechanism, "identity-mapper": kindMechanism, "user-dn": kindMechanism,
	}[row[0]]
	if d.table == nil || kind != "" && d.table.kind != "" && d.table.kind != kind {
		d.table = &object{place: d.place}
		d.all = append(d.all, d.table)
	}
	if d.table.kind == "" && kind != "" {
		// What was read before its kind was known is given its path.
		properties := d.table.properties
		d.table.kind, d.table.properties = kind, nil
		for _, p := range properties {
			d.table.add(p.place, p.path, p.text)
		}
	}
	if row[1] == "-" || row[1] == "" {
		return
	}
	d.values(d.table, row[0], row[1])
	if row[0] == "base-path" {
		d.table.name = row[1]
	}
}

// values adds the values of a cell. Only DNs hold commas of their own, and are one value.
func (d *dsconfig) values(o *object, property, cell string) {
	o.drop(property, nil)
	if strings.Contains(cell, "=") {
		o.add(d.place, property, cell)
		return
	}
	for value := range strings.SplitSeq(cell, ", ") {
		o.add(d.place, property, value)
	}
}

func kinds() []string {
	return []string{kindEndpoint, kindMechanism, kindHandler, kindMapper, kindKeyManager}
}

// object returns the object of that name, made when it is not there.
func (d *dsconfig) object(kind, name string) *object {
	for _, o := range d.all {
		if o.kind == kind && o.name == name {
			return o
		}
	}
	o := &object{place: d.place, kind: kind, name: name}
	switch lower := strings.ToLower(name); {
	case kind != kindHandler:
	case strings.HasPrefix(lower, "http"):
		o.variant = "http-connection-handler"
	case strings.HasPrefix(lower, "ldap"):
		o.variant = "ldap-connection-handler"
	}
	d.all = append(d.all, o)
	return o
}

// setVariant takes the type as dsconfig shows it, with or without the kind behind it.
func (o *object) setVariant(variant string) {
	if suffix := "-" + strings.TrimPrefix(o.kind, "http-"); !strings.HasSuffix(variant, suffix) {
		variant += suffix
	}
	o.variant = variant
}

// command reads a command. Others than those that make, change and show objects are
// passed over.
func (d *dsconfig) command(words []string) {
	verb, kind, at := "", "", 0
	for i, word := range words {
		if verb, kind = subcommand(word); kind != "" {
			at = i + 1
			break
		}
	}
	if kind == "" {
		return
	}
	d.table, d.asked = nil, nil
	options := options(words[at:])
	o := d.object(kind, first(options, "--endpoint-name", "--mechanism-name", "--handler-name", "--mapper-name", "--provider-name"))
	switch verb {
	case "delete":
		d.all = slices.DeleteFunc(d.all, func(other *object) bool { return other == o })
		return
	case "get":
		d.asked = o
	}
	for _, option := range options {
		property, value, _ := strings.Cut(option.value, ":")
		switch option.name {
		case "--type", "-t":
			o.setVariant(option.value)
		case "--set":
			o.set(d.place, property, value)
		case "--add":
			o.add(d.place, property, value)
		case "--remove":
			o.drop(property, &value)
		case "--reset":
			o.drop(option.value, nil)
		}
	}
}

// set adds a value in place of those that the object had before the command.
func (o *object) set(place Place, property, value string) {
	for _, p := range o.all(property) {
		if p.place != place {
			o.drop(property, nil)
			break
		}
	}
	o.add(place, property, value)
}

// subcommand splits a word as create-http-endpoint or set-http-endpoint-prop.
func subcommand(word string) (verb, kind string) {
	verb, kind, _ = strings.Cut(word, "-")
	kind, isProp := strings.CutSuffix(kind, "-prop")
	if isProp == (verb == "set" || verb == "get") && slices.Contains([]string{"create", "delete", "set", "get"}, verb) &&
		(slices.Contains(kinds(), kind) || kind == kindGlobal) {
		return verb, kind
	}
	return "", ""
}

type option struct{ name, value string }

// options reads options, "--name value" or "--name=value"; one without a value has none.
func options(words []string) []option {
	var all []option
	for i := 0; i < len(words); i++ {
		if !strings.HasPrefix(words[i], "-") {
			continue
		}
		name, value, found := strings.Cut(words[i], "=")
		if !found && i+1 < len(words) && !strings.HasPrefix(words[i+1], "--") {
			i++
			value = words[i]
		}
		all = append(all, option{name, value})
	}
	return all
}

func first(all []option, names ...string) string {
	for _, o := range all {
		if slices.Contains(names, o.name) {
			return o.value
		}
	}
	return ""
}

// words splits a command as a shell does: quotes, and a backslash before a character.
func words(line string) []string {
	var all []string
	var word strings.Builder
	inside, quote, escaped := false, rune(0), false
	for _, c := range line {
		switch {
		case escaped:
			escaped = false
			word.WriteRune(c)
		case c == '\\' && quote != '\'':
			escaped, inside = true, true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, inside = c, true
		case quote == 0 && (c == ' ' || c == '\t'):
			if inside {
				all = append(all, word.String())
				word.Reset()
			}
			inside = false
		default:
			inside = true
			word.WriteRune(c)
		}
	}
	if inside {
		all = append(all, word.String())
	}
	return all
}
