package nearest_test

import (
	"strings"
	"testing"

	"github.com/rest2ldap/rest2ldap/internal/nearest"
)

func TestName(t *testing.T) {
	known := []string{"_fields", "_queryFilter", "isRequired", "max"}
	for name, want := range map[string]string{
		"_feilds": "_fields", "_FIELDS": "_fields", "_queryfilter": "_queryFilter", "isRequred": "isRequired", "mxa": "max", "min": "",
		"": "", "_": "", "unlike": "", strings.Repeat("x", 1<<20): "",
	} {
		if got := nearest.Name(name, known); got != want {
			t.Errorf("%.20q is near %q, want %q", name, got, want)
		}
	}
	if got := nearest.Name("x", nil); got != "" {
		t.Errorf("near %q of nothing", got)
	}
}
