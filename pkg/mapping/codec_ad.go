package mapping

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

// fileTimeEpoch is the beginning of file times in Unix seconds: 1601-01-01.
const fileTimeEpoch = -11644473600

// ticksPerSecond is how many units of a file time a second has.
const ticksPerSecond = 10_000_000

// parseFileTime reads the decimal digits of a file time. Never tells one of the two values
// that stand for no time at all.
func parseFileTime(value string) (t time.Time, never, ok bool) {
	ticks, err := strconv.ParseInt(value, 10, 64)
	if err != nil || ticks < 0 || strconv.FormatInt(ticks, 10) != value {
		return time.Time{}, false, false
	}
	if ticks == 0 || ticks == math.MaxInt64 {
		return time.Time{}, true, true
	}
	t = time.Unix(fileTimeEpoch+ticks/ticksPerSecond, ticks%ticksPerSecond*100).UTC()
	return t, false, t.Year() <= 9999
}

// shownTimes returns the file times without those that stand for no time.
func shownTimes(values []string) []string {
	if !slices.ContainsFunc(values, standsForNever) {
		return values
	}
	return slices.DeleteFunc(slices.Clone(values), standsForNever)
}

// isShown selects the entries that have a number which is shown: everything but the two that
// stand for no time.
func isShown(attribute string) directory.Filter {
	return directory.Or(directory.Filter{Op: directory.FilterLessOrEqual, Attribute: attribute, Value: "-1"}, isTime(attribute))
}

// isTime selects the entries that have a file time which is one.
func isTime(attribute string) directory.Filter {
	return directory.And(
		directory.Filter{Op: directory.FilterGreaterOrEqual, Attribute: attribute, Value: "1"},
		directory.Filter{Op: directory.FilterLessOrEqual, Attribute: attribute, Value: strconv.FormatInt(math.MaxInt64-1, 10)})
}

// formatFileTime writes a time as a file time, rounded down.
func formatFileTime(t time.Time) (string, error) {
	seconds := t.Unix() - fileTimeEpoch
	if seconds < 0 || t.Year() > 9999 {
		return "", fmt.Errorf("a time from 1601 on is expected, not %s", t.Format(time.RFC3339))
	}
	return strconv.FormatInt(seconds*ticksPerSecond+int64(t.Nanosecond())/100, 10), nil
}

// standsForNever reports whether a file time is one of the two that are no time, which no
// client means that sends the time of its digits.
func standsForNever(value string) bool {
	_, never, _ := parseFileTime(value)
	return never
}

// parseUUID reads the text of a UUID as its 16 octets.
func parseUUID(text string) ([]byte, bool) {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return nil, false
	}
	octets, err := hex.DecodeString(text[:8] + text[9:13] + text[14:18] + text[19:23] + text[24:])
	return octets, err == nil
}

// swapGUID turns a GUID from the order of its text into that of the directory, and back.
func swapGUID(octets []byte) []byte {
	swapped := append([]byte(nil), octets...)
	for i, j := range []int{3, 2, 1, 0, 5, 4, 7, 6} {
		swapped[i] = octets[j]
	}
	return swapped
}

// parseGUID reads the text of a GUID as the octets in the directory.
func parseGUID(text string) (string, bool) {
	octets, ok := parseUUID(text)
	if !ok {
		return "", false
	}
	return string(swapGUID(octets)), true
}

// formatGUID writes the octets of a GUID as text.
func formatGUID(value string) (string, bool) {
	if len(value) != 16 {
		return "", false
	}
	digits := hex.EncodeToString(swapGUID([]byte(value)))
	return digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:], true
}

// maxSubAuthorities is how many sub-authorities a security identifier may have.
const maxSubAuthorities = 15

// parseSID reads the text of a security identifier as its octets (MS-DTYP §2.4.2.1).
func parseSID(text string) (string, bool) {
	parts := strings.Split(text, "-")
	if len(parts) < 3 || len(parts) > 3+maxSubAuthorities || !strings.EqualFold(parts[0], "S") || parts[1] != "1" {
		return "", false
	}
	authority, ok := sidAuthority(parts[2])
	if !ok {
		return "", false
	}
	octets := append(make([]byte, 0, 8+4*len(parts)), 1, byte(len(parts)-3)) //nolint:gosec // There are at most 15.
	octets = append(octets, binary.BigEndian.AppendUint64(nil, authority)[2:]...)
	for _, part := range parts[3:] {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil || strconv.FormatUint(n, 10) != part {
			return "", false
		}
		octets = binary.LittleEndian.AppendUint32(octets, uint32(n))
	}
	return string(octets), true
}

// sidAuthority reads an authority: decimal below 2^32, and hexadecimal from there on.
func sidAuthority(text string) (uint64, bool) {
	if digits, isHex := strings.CutPrefix(strings.ToLower(text), "0x"); isHex {
		n, err := strconv.ParseUint(digits, 16, 48)
		return n, err == nil && len(digits) == 12 && n > math.MaxUint32
	}
	n, err := strconv.ParseUint(text, 10, 32)
	return n, err == nil && strconv.FormatUint(n, 10) == text
}

// formatSID writes the octets of a security identifier as text.
func formatSID(value string) (string, bool) {
	octets := []byte(value)
	if len(octets) < 8 || octets[0] != 1 || octets[1] > maxSubAuthorities || len(octets) != 8+4*int(octets[1]) {
		return "", false
	}
	authority := binary.BigEndian.Uint64(append([]byte{0, 0}, octets[2:8]...))
	text := "S-1-" + strconv.FormatUint(authority, 10)
	if authority > math.MaxUint32 {
		text = fmt.Sprintf("S-1-0x%012X", authority)
	}
	for at := 8; at < len(octets); at += 4 {
		text += "-" + strconv.FormatUint(uint64(binary.LittleEndian.Uint32(octets[at:])), 10)
	}
	return text, true
}
