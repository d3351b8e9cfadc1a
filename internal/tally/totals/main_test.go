package main

import (
	"testing"
)

// TestRun checks the exit code: that of the tests, and 1 when they pass without
// a real OpenLDAP.
func TestRun(t *testing.T) {
	for _, test := range []struct {
		name, script string
		code         int
		fails        bool
	}{
		{"Green", `printf 'p\tTestA\n' >"$REST2LDAP_TEST_TALLY/slapd"`, 0, false},
		{"GreenInContainer", `printf 'p\tTestA\n' >"$REST2LDAP_TEST_TALLY/container"`, 0, false},
		{"GreenWithoutDirectory", `printf 'p\tTestA\n' >"$REST2LDAP_TEST_TALLY/memdir"`, 1, true},
		{"Red", `printf 'p\tTestA\n' >"$REST2LDAP_TEST_TALLY/slapd"; exit 3`, 3, false},
		{"RedWithoutDirectory", `exit 3`, 3, false},
		{"Killed", `kill -9 $$`, 1, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, err := run([]string{"sh", "-c", test.script})
			if code != test.code || (err != nil) != test.fails {
				t.Errorf("code %d, error %v; want code %d, error: %t", code, err, test.code, test.fails)
			}
		})
	}
	if code, err := run(nil); code != 2 || err == nil {
		t.Errorf("without a command: code %d, error %v", code, err)
	}
	if code, err := run([]string{"/nonexistent/command"}); code != 1 || err == nil {
		t.Errorf("a command that is not there: code %d, error %v", code, err)
	}
}
