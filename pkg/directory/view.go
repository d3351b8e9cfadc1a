package directory

// View is a part of a sorted result: the entries around a target
// (draft-ietf-ldapext-ldapv3-vlv-09 §3.1).
type View struct {
	// Before and After are how many entries are wanted on each side of the target.
	Before, After int
	// Offset is the place of the target, from 1, in a result of Count entries; a Count of 0
	// is that of the server. With an Offset of 0 the target is the first entry whose first
	// sort key is not before Value.
	Offset, Count int
	Value         string
	// Context is that of the view before, "" for the first one.
	Context string
}

// ViewResult tells which part of a result came (§3.2 of the same).
type ViewResult struct {
	// Position is the place of the target, from 1, and Count an estimate of the entries of
	// the whole result.
	Position, Count int
	// Context belongs into the next View of the same result.
	Context string
}
