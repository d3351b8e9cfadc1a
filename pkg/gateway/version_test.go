package gateway_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/gateway"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
)

// versioned are the models of one API, a collection of each its own.
func versioned(t *testing.T, versions ...string) []*mapping.Model {
	t.Helper()
	files := fstest.MapFS{}
	for _, version := range versions {
		name := "v" + strings.ReplaceAll(version, ".", "_")
		files["api/"+name+".json"] = &fstest.MapFile{Data: []byte(`{"format": 1, "version": "` + version + `", "resourceTypes": {
			"` + name + `": {"subResources": {"` + name + `": {"type": "collection", "dnTemplate": "ou=People,dc=example,dc=com", "resource": "user",
				"namingStrategy": {"type": "clientDnNaming", "dnAttribute": "uid"}}}},
			"user": {"objectClasses": ["person"], "properties": {"_id": {"type": "simple", "ldapAttribute": "uid", "isRequired": true}}}}}`)}
	}
	models, _, err := mapping.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	return models
}

// Each version of an API has paths of its own.
func TestVersionsOfAPI(t *testing.T) {
	s, err := gateway.New(gateway.Options{Directory: newFake("a"), Models: versioned(t, "1.0", "1.1", "2")})
	if err != nil {
		t.Fatal(err)
	}
	read := func(version, collection string) error {
		_, err := s.Do(t.Context(), caller, "api", &mapping.Request{Verb: mapping.Read, Version: version, Path: []string{collection, "a"}})
		return err
	}
	for version, own := range map[string]string{"1.0": "v1_0", "1.1": "v1_1", "2": "v2"} {
		for _, collection := range []string{"v1_0", "v1_1", "v2"} {
			if err := read(version, collection); (err == nil) != (collection == own) || err != nil && !errors.Is(err, fault.NotFound) {
				t.Errorf("%s in version %s: %v", collection, version, err)
			}
		}
	}
	for _, version := range []string{"", "2.0", "*"} {
		if err := read(version, "v2"); !errors.Is(err, fault.NotFound) {
			t.Errorf("version %q: %v", version, err)
		}
	}
	same := versioned(t, "1.0")
	if _, err := gateway.New(gateway.Options{Directory: newFake(), Models: append(same, same...)}); err == nil || !strings.Contains(err.Error(), `two files of version "1.0"`) {
		t.Errorf("the same version twice: %v", err)
	}
}

// A cookie of one version is none of another.
func TestCookieOfVersion(t *testing.T) {
	files := versioned(t, "1.0", "1.1")
	files[1].Root.SubResources[0].Template = files[0].Root.SubResources[0].Template
	s, err := gateway.New(gateway.Options{Directory: newFake("a", "b", "c"), Models: files})
	if err != nil {
		t.Fatal(err)
	}
	page := func(version, cookie string) (gateway.Listing, error) {
		req := &mapping.Request{Verb: mapping.Query, Version: version, Path: []string{"v1_0"}, PageSize: 1, Cookie: cookie}
		return s.Query(t.Context(), caller, "api", req, func([]byte) error { return nil })
	}
	first, err := page("1.0", "")
	if err != nil || first.Cookie == "" {
		t.Fatalf("%+v, %v", first, err)
	}
	var e *fault.Error
	if _, err := page("1.1", first.Cookie); !errors.As(err, &e) || e.Detail.Kind != "cookieOfAnotherQuery" {
		t.Errorf("in another version: %v", err)
	}
	if _, err := page("1.0", first.Cookie); err != nil {
		t.Errorf("in its own version: %v", err)
	}
}
