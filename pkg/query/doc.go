// Package query holds what a client may ask of a collection, before anyone
// knows whether it makes sense: the filter it wrote, the fields it wants, and
// the parsers of their text forms. It knows JSON pointers, not attributes;
// mapping turns a query.Filter into a directory.Filter.
package query
