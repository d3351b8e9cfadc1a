package app_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/httpserver"
	"github.com/rest2ldap/rest2ldap/pkg/ldapclient"
)

var updateErrors = flag.Bool("update-errors", false, "write the tables of docs/errors.md anew") //nolint:gochecknoglobals // A flag.

// The tables of docs/errors.md are those of the program.
func TestErrorsDocument(t *testing.T) {
	const file, mark = "../../docs/errors.md", "<!-- generated: go test ./pkg/app -run TestErrorsDocument -update-errors -->\n"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, _, ok := strings.Cut(string(text), mark)
	if !ok {
		t.Fatalf("%s lacks the line %s", file, mark)
	}
	want := before + mark + errorTables()
	if *updateErrors {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(text) {
		t.Errorf("%s is not up to date; run: go test ./pkg/app -run TestErrorsDocument -update-errors", file)
	}
}

func errorTables() string {
	var b strings.Builder
	b.WriteString("\n## Kinds\n\n| kind | status |\n|---|---|\n")
	for _, kind := range fault.Kinds() {
		status := fmt.Sprint(httpserver.Status(fault.New(kind, "x")))
		if kind == fault.Canceled {
			status = "the client is gone"
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", kind, status)
	}
	b.WriteString("\n## Results of the directory\n\nEvery other result is `internal`, with `directoryError`.\n\n| LDAP result | kind | `detail.kind` |\n|---|---|---|\n")
	codes := ldapclient.Codes()
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		fmt.Fprintf(&b, "| %d | `%s` | `%s` |\n", code, codes[code][0], codes[code][1])
	}
	return b.String()
}
