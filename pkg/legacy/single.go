package legacy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Up to version 3.0 all stood in one file, in a form that the old gateway did not read any
// more from 3.5 on. Nor does this one: whoever brings it is told what to write instead.

// locateSingle returns the one file of versions 2.6 to 3.0 in a folder, a gateway's or a
// directory server's; "" when there is none.
func locateSingle(folder string) string {
	for _, name := range []string{
		"opendj-rest2ldap-servlet.json", "WEB-INF/classes/opendj-rest2ldap-servlet.json", "classes/opendj-rest2ldap-servlet.json",
		"http-config.json", "config/http-config.json",
	} {
		file := filepath.Join(folder, filepath.FromSlash(name))
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	return ""
}

// isSingle reports whether a JSON file is one of versions 2.6 to 3.0.
func isSingle(root *node) bool {
	return root != nil && len(root.get("servlet").get("mappings").members) > 0
}

// refuseSingle is the error for the one file of versions 2.6 to 3.0. It names what has to be
// written anew.
func (r *reader) refuseSingle(name string) error {
	root, err := r.json(name)
	if err != nil {
		return err
	}
	if !isSingle(root) {
		return fmt.Errorf("%s is no configuration of an old gateway: it has no \"servlet\" with \"mappings\", as the one file of versions 2.6 to 3.0 had; name the folder of config.json", name)
	}
	var collections []string
	for _, m := range root.get("servlet").get("mappings").members {
		collections = append(collections, fmt.Sprintf("%s (%s)", m.name, m.value.get("baseDN").text))
	}
	return fmt.Errorf("%s is a configuration of version 2.6 to 3.0, all in one file, which the old gateway itself did not read any more from 3.5 on; "+
		"write the collections %s into a mapping file and the rest into gateway.yaml: docs/migrate.md tells under \"The one file of 2.6 to 3.0\" what became of each setting", name, strings.Join(collections, ", "))
}
