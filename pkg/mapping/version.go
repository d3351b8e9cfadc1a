package mapping

import (
	"cmp"
	"strconv"
	"strings"
)

// AnyVersion is the version of an API that serves whatever version a client asks for.
const AnyVersion = "*"

// Version is a version of an API, or of a protocol.
type Version struct{ Major, Minor int }

// ParseVersion reads "<major>" or "<major>.<minor>"; a missing minor is 0.
func ParseVersion(s string) (v Version, ok bool) {
	major, minor, found := strings.Cut(s, ".")
	if !isVersionNumber(major) || found && !isVersionNumber(minor) {
		return Version{}, false
	}
	v.Major, _ = strconv.Atoi(major) // It has at most nine digits,
	v.Minor, _ = strconv.Atoi(minor) // and a minor that is not there is 0.
	return v, true
}

func isVersionNumber(s string) bool {
	return s != "" && len(s) < 10 && strings.Trim(s, "0123456789") == "" && (s == "0" || s[0] != '0')
}

// String returns "<major>.<minor>".
func (v Version) String() string { return strconv.Itoa(v.Major) + "." + strconv.Itoa(v.Minor) }

// Compare orders versions: negative when v is before other, 0 when both are the same.
func (v Version) Compare(other Version) int {
	return cmp.Or(cmp.Compare(v.Major, other.Major), cmp.Compare(v.Minor, other.Minor))
}
