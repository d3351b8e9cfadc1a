package integration_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/tally"
)

// step is a block of commands of the tutorial, with the output that the text shows.
type step struct {
	line     int
	commands string
	// fails says that the last command ends with 1.
	fails bool
	// shown is the output; told is false where the text shows none.
	shown string
	told  bool
}

// fence is a block of code: its language, what is said of it, and its text.
var fence = regexp.MustCompile("(?m)^```(\\w+)( \\w+)?\n((?s:.*?))^```$")

// steps are the blocks of commands, each with the block behind it when that is output.
func steps(t *testing.T, text string) []step {
	t.Helper()
	var all []step
	for _, at := range fence.FindAllStringSubmatchIndex(text, -1) {
		language, body := text[at[2]:at[3]], text[at[6]:at[7]]
		line := 1 + strings.Count(text[:at[0]], "\n")
		said := ""
		if at[4] >= 0 {
			said = strings.TrimSpace(text[at[4]:at[5]])
		}
		switch {
		case language == "sh" && (said == "" || said == "fails"):
			all = append(all, step{line: line, commands: body, fails: said == "fails"})
		case (language == "json" || language == "text") && len(all) > 0 && !all[len(all)-1].told && said == "":
			all[len(all)-1].shown, all[len(all)-1].told = body, true
		default:
			t.Fatalf("line %d: a block that is neither commands nor their output", line)
		}
	}
	if got := 2 * len(fence.FindAllString(text, -1)); got != strings.Count("\n"+text, "\n```") {
		t.Fatalf("%d fences belong together, of %d", got, strings.Count("\n"+text, "\n```"))
	}
	return all
}

// The tutorial is followed by its text alone, in a copy of the checkout, and what it shows
// is what comes. Only the ports are others, since tests run beside each other.
func TestTutorial(t *testing.T) {
	for _, tool := range []string{"bash", "curl", "make"} {
		if _, err := exec.LookPath(tool); err != nil {
			tally.Unfit(t, err)
		}
	}
	dir := copyCheckout(t)
	text, err := os.ReadFile(filepath.Join(dir, "docs/tutorial.md"))
	if err != nil {
		t.Fatal(err)
	}
	https, ldaps, second := freePort(t), freePort(t), freePort(t)
	ports := strings.NewReplacer("8443", https, "1636", ldaps, "8444", second,
		"rest2ldap demo ", fmt.Sprintf("rest2ldap demo --https 127.0.0.1:%s --ldaps 127.0.0.1:%s ", https, ldaps))
	all := steps(t, string(text))
	outputs := t.TempDir()
	output := func(i int) string { return filepath.Join(outputs, fmt.Sprint(i)) }
	var script strings.Builder
	script.WriteString("set -uo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n")
	for i, s := range all {
		want := 0
		if s.fails {
			want = 1
		}
		fmt.Fprintf(&script, "{ %s\n} > '%s' 2>&1; got=$?\n[ $got = %d ] || { echo \"line %d ended with $got\"; cat '%s'; exit 1; }\n",
			strings.TrimSuffix(ports.Replace(s.commands), "\n"), output(i), want, s.line, output(i))
	}
	command := exec.Command("bash", "-c", script.String())
	command.Dir = dir
	if printed, err := command.CombinedOutput(); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "try/demo.log"))
		t.Fatalf("%v\n%s\n%s", err, printed, log)
	}
	told := 0
	for i, s := range all {
		if !s.told {
			continue
		}
		told++
		got, err := os.ReadFile(output(i))
		if err != nil {
			t.Fatal(err)
		}
		if want := shownPattern(ports.Replace(s.shown)); !want.MatchString(strings.TrimRight(string(got), "\n")) {
			t.Errorf("docs/tutorial.md:%d shows\n%s\nbut it is\n%s", s.line, s.shown, got)
		}
	}
	if told < 10 {
		t.Errorf("the tutorial shows %d outputs", told)
	}
	if _, err := os.Stat(filepath.Join(dir, "try")); err == nil {
		t.Error("the tutorial leaves its folder")
	}
}

// shownPattern matches an output as a document shows it: an ellipsis is any text of a line.
func shownPattern(shown string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(strings.TrimRight(shown, "\n"))
	return regexp.MustCompile(`\A` + strings.ReplaceAll(quoted, "…", `[^\n]*`) + `\z`)
}

func TestShownPattern(t *testing.T) {
	for name, test := range map[string]struct {
		shown, got string
		want       bool
	}{
		"Same":     {"a\nb\n", "a\nb", true},
		"Other":    {"a\nb\n", "a\nc", false},
		"Ellipsis": {`{"_rev":"…","n":1}`, `{"_rev":"x#1","n":1}`, true},
		"Behind":   {`{"_rev":"…","n":1}`, `{"_rev":"x#1","n":2}`, false},
		"Line":     {"a…c", "ab\nc", false},
		"More":     {"a", "a\nb", false},
		"Literal":  {"a.c", "abc", false},
	} {
		if got := shownPattern(test.shown).MatchString(test.got); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
