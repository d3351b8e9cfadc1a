package mapping

// distinct collects values, each once, in the order in which they come. A body may hold a
// great many of them.
type distinct struct {
	list []string
	seen map[string]struct{}
}

// add adds a value that is not there yet.
func (d *distinct) add(value string) {
	if _, known := d.seen[value]; known {
		return
	}
	if d.seen == nil {
		d.seen = make(map[string]struct{})
	}
	d.seen[value] = struct{}{}
	d.list = append(d.list, value)
}

// setOf returns values for look-ups.
func setOf(values []string) map[string]bool {
	set := make(map[string]bool, len(values))
	for _, value := range values {
		set[value] = true
	}
	return set
}
