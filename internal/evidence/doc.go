// Package evidence reads the tests that documents name: in a table, in backquotes, as
// `TestPool/F_23`. A document that promises what no test shows is wrong; the test of this
// package looks for each name in the sources, and the command of internal/tally/totals
// looks, after a run of all tests, whether each has run and was not skipped.
package evidence
