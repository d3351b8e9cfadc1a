// Package mapping is the heart of the gateway: it turns mapping files into a
// [Model], and a [Model] into directory operations and JSON resources.
//
// The order of events:
//
//  1. [Load] reads the mapping files (JSON with comments, or the same tree in
//     YAML) and compiles them, all problems at once, into one [Model] a file.
//  2. [Model.Bind] joins a model with what the directory can do: the types of
//     values come from the published schema, the revision from the attribute
//     found there. A [Binding] is immutable and serves every request until the
//     capabilities change.
//  3. For a request, [Binding.Locate] walks the path to a [Target]; the Target
//     plans: it makes searches, entries to add, and changes, and it encodes
//     entries as JSON.
//
// The package does no I/O of its own. Where a plan needs to look something up
// (the target of a reference), the caller passes a [Finder]. It knows neither
// HTTP nor the wire of any edge, so that every behaviour can be tested from a
// file.
package mapping
