// Package layers holds the import rules of the project, as a table with a reason
// for each row (rows_test.go) and a test that compares it with the code:
//
//	go test ./internal/layers
//
// Every package of the project has a row. A row names the packages of ours that
// the room may import, and the modules from outside the standard library.
// Packages below the internal folder of a room belong to that room. Only rooms
// marked for it may import net/http.
//
// What tests import is freer: they may join any rooms of ours, and use the
// libraries that are listed there for tests.
package layers
