package descriptor_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rest2ldap/rest2ldap/mappings"
	"github.com/rest2ldap/rest2ldap/pkg/descriptor"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

var update = flag.Bool("update", false, "write the golden files anew") //nolint:gochecknoglobals // A flag.

// The documents of each story are as they were, and are what they claim to be.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d stories: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			now := &txtar.Archive{Comment: archive.Comment}
			for _, f := range archive.Files {
				if strings.HasPrefix(f.Name, "api/") {
					now.Files = append(now.Files, f)
				}
			}
			api := shipped(t)
			if len(now.Files) > 0 {
				api = story(t, strings.TrimSuffix(filepath.Base(file), ".txtar"))
			}
			openAPI, crest := documents(t, api)
			now.Files = append(now.Files, txtar.File{Name: "openapi.json", Data: indented(t, openAPI)}, txtar.File{Name: "crest.json", Data: indented(t, crest)})
			if *update {
				if err := os.WriteFile(file, txtar.Format(now), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(txtar.Format(archive)), string(txtar.Format(now))); diff != "" {
				t.Errorf("(-want +got; go test -update writes it anew):\n%s", diff)
			}
		})
	}
}

// shipped is the mapping that is built in, on OpenLDAP.
func shipped(t testing.TB) *descriptor.API {
	t.Helper()
	models, _, err := mapping.Load(mappings.Files())
	if err != nil {
		t.Fatal(err)
	}
	return apiOf(models[0])
}

func apiOf(model *mapping.Model) *descriptor.API {
	return &descriptor.API{
		Model: model, Capabilities: openLDAP(), Path: "/" + model.BasePath, Basic: true, Bearer: true,
		MaxPage: 1000, MaxBody: 1 << 20, MaxPart: 1 << 19, MediaTypes: []string{"image/jpeg", "text/plain"},
	}
}

// documents returns both documents, and checks that the first is OpenAPI 3.1.
func documents(t testing.TB, api *descriptor.API) (openAPI, crest []byte) {
	t.Helper()
	openAPI, err := api.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	validate(t, openAPI)
	if crest, err = api.CREST(); err != nil {
		t.Fatal(err)
	}
	return openAPI, crest
}

func validate(t testing.TB, openAPI []byte) {
	t.Helper()
	document, err := libopenapi.NewDocument(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(document)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	defer v.Release()
	if document.GetVersion() != "3.1.0" {
		t.Errorf("version %q", document.GetVersion())
	}
	if ok, problems := v.ValidateDocument(); !ok {
		for _, p := range problems {
			t.Errorf("%s: %s\n%v", p.Message, p.Reason, p.SchemaValidationErrors)
		}
	}
}

func indented(t testing.TB, compact []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, compact, "", "  "); err != nil {
		t.Fatalf("%v: %s", err, compact)
	}
	return append(b.Bytes(), '\n')
}

// openLDAP has the attributes that the stories use, as OpenLDAP has them.
func openLDAP() *directory.Capabilities {
	types := []*directory.AttributeType{
		{OID: "1.1", Names: []string{"createTimestamp"}, Syntax: directory.SyntaxGeneralizedTime, NoUserModification: true},
		{OID: "1.2", Names: []string{"modifyTimestamp"}, Syntax: directory.SyntaxGeneralizedTime, NoUserModification: true},
		{OID: "1.3", Names: []string{"entryCSN"}, Syntax: "1.3.6.1.4.1.4203.666.11.2.1", NoUserModification: true},
		{OID: "1.4", Names: []string{"entryUUID"}, Syntax: directory.SyntaxUUID, NoUserModification: true},
		{OID: "1.5", Names: []string{"memberOf"}, Syntax: directory.SyntaxDN},
		{OID: "1.6", Names: []string{"uidNumber"}, Syntax: directory.SyntaxInteger, SingleValue: true},
		{OID: "1.7", Names: []string{"gidNumber"}, Syntax: directory.SyntaxInteger, SingleValue: true},
		{OID: "1.8", Names: []string{"pwdReset"}, Syntax: directory.SyntaxBoolean, SingleValue: true},
		{OID: "1.9", Names: []string{"jpegPhoto"}, Syntax: directory.SyntaxJPEG},
	}
	for i, name := range strings.Fields("uid cn sn mail givenName description manager telephoneNumber homeDirectory loginShell gecos uniqueMember ou o l employeeNumber") {
		types = append(types, &directory.AttributeType{OID: "1.2." + string(rune('a'+i)), Names: []string{name}, Syntax: directory.SyntaxDirectoryString})
	}
	return &directory.Capabilities{Schema: directory.NewSchema(slices.Clip(types)), Assertion: true, ReadEntry: true, Sort: true, Revision: "entryCSN"}
}
