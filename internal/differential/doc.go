// Package differential holds the directory in memory against a real OpenLDAP: its tests
// send the same random operations to both and compare what comes back.
package differential
