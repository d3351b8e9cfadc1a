package mapping

import "testing"

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]string{
		"1": "1.0", "1.0": "1.0", "0": "0.0", "12.34": "12.34", "999999999.1": "999999999.1",
		"": "", "*": "", "1.": "", ".1": "", "01": "", "1.01": "", "1.2.3": "", "-1": "", "+1": "", "1e2": "", "٣": "", "1000000000": "",
	} {
		v, ok := ParseVersion(text)
		if ok != (want != "") || ok && v.String() != want {
			t.Errorf("%q: %v, %t", text, v, ok)
		}
	}
}

func TestCompareVersions(t *testing.T) {
	order := []Version{{0, 9}, {1, 0}, {1, 1}, {1, 10}, {2, 0}}
	for i, a := range order {
		for j, b := range order {
			if got := a.Compare(b); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("%v and %v: %d", a, b, got)
			}
		}
	}
}
