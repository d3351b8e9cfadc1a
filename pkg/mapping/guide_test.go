package mapping_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// guideBlock is a block of code of the guide: its language, the place of a part, its text.
var guideBlock = regexp.MustCompile("(?m)^```(\\w+)(?: (\\w+))?\n((?s:.*?))^```$")

// guideFile is the first line of an example that is a whole file.
var guideFile = regexp.MustCompile(`^(?:#|//) (\w+/\w+\.(?:yaml|json))\n`)

// guideAround is the file around an example that is a part; the part takes the place of
// the line with its name.
const guideAround = `format: 1
resourceTypes:
  around:
    subResources:
      usual/people: {type: collection, dnTemplate: "ou=People,dc=example,dc=com", resource: person, namingStrategy: {type: clientDnNaming, dnAttribute: uid}}
      usual/groups: {type: collection, dnTemplate: "ou=Groups,dc=example,dc=com", resource: group, namingStrategy: {type: clientDnNaming, dnAttribute: cn}}
      @subResources
  group:
    properties:
      _id: {type: simple, ldapAttribute: cn}
  person:
    properties:
      _id: {type: simple, ldapAttribute: uid}
      @properties
  @resourceTypes
`

// Every example of docs/mapping.md compiles, without a warning; an example with text after
// it gets just the problems that the text shows.
func TestGuide(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/mapping.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := guideBlock.FindAllStringSubmatchIndex(string(text), -1)
	if len(blocks) < 15 || 2*len(blocks) != strings.Count("\n"+string(text), "\n```") {
		t.Fatalf("%d blocks of code were found", len(blocks))
	}
	for i, at := range blocks {
		part := func(n int, at []int) string {
			if at[2*n] < 0 {
				return ""
			}
			return string(text[at[2*n]:at[2*n+1]])
		}
		language, place, body := part(1, at), part(2, at), part(3, at)
		if language == "text" {
			continue
		}
		want := ""
		if i+1 < len(blocks) && part(1, blocks[i+1]) == "text" {
			want = part(3, blocks[i+1])
		}
		t.Run(fmt.Sprintf("Line%d", 1+strings.Count(string(text[:at[0]]), "\n")), func(t *testing.T) {
			t.Parallel()
			name, content := guideExample(t, language, place, body)
			got := load(fstest.MapFS{name: &fstest.MapFile{Data: []byte(content)}})
			if diff := cmp.Diff(want, got["problems"]+got["warnings"]); diff != "" {
				t.Errorf("-shown +got:\n%s", diff)
			}
		})
	}
}

// guideExample returns the file of an example.
func guideExample(t *testing.T, language, place, body string) (name, content string) {
	t.Helper()
	if place == "" {
		file := guideFile.FindStringSubmatch(body)
		if file == nil || filepath.Ext(file[1]) != "."+language {
			t.Fatalf("an example of a whole file begins with its name, in a comment:\n%s", body)
		}
		return file[1], body
	}
	if !strings.Contains(guideAround, "@"+place+"\n") {
		t.Fatalf("there is no place %q", place)
	}
	content = guideAround
	for line := range strings.Lines(guideAround) {
		marker := strings.TrimSpace(line)
		if !strings.HasPrefix(marker, "@") {
			continue
		}
		indented := ""
		if marker == "@"+place {
			indent, _, _ := strings.Cut(line, "@")
			for l := range strings.Lines(body) {
				indented += indent + l
			}
		}
		content = strings.Replace(content, line, indented, 1)
	}
	return "hr/around.yaml", content
}
