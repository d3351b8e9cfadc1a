package directory

import (
	"fmt"
	"math/big"
	"strings"
	"time"
)

// generalizedTimeLayouts are the forms of RFC 4517 §3.3.13 without the fraction
// and the zone: hours, minutes and seconds.
var generalizedTimeLayouts = map[int]string{10: "2006010215", 12: "200601021504", 14: "20060102150405"} //nolint:gochecknoglobals // constant table

// ParseGeneralizedTime reads every form of RFC 4517 §3.3.13: minutes and seconds
// may be left out, the smallest unit may have a fraction, which is read to the
// nanosecond, the zone is Z or an offset. The time is in UTC.
func ParseGeneralizedTime(value string) (time.Time, error) {
	zone := strings.LastIndexAny(value, "Z+-")
	if zone < 0 {
		return time.Time{}, badTime(value)
	}
	digits, fraction, hasFraction := strings.Cut(strings.Replace(value[:zone], ",", ".", 1), ".")
	layout := generalizedTimeLayouts[len(digits)]
	location, err := parseZone(value[zone:])
	if layout == "" || err != nil || hasFraction && (fraction == "" || strings.Trim(fraction, "0123456789") != "") {
		return time.Time{}, badTime(value)
	}
	leap := len(digits) == 14 && strings.HasSuffix(digits, "60")
	if leap {
		digits = digits[:12] + "59"
	}
	t, err := time.ParseInLocation(layout, digits, location)
	if err != nil {
		return time.Time{}, badTime(value)
	}
	if leap {
		t = t.Add(time.Second)
	}
	if hasFraction {
		unit := map[int]time.Duration{10: time.Hour, 12: time.Minute, 14: time.Second}[len(digits)]
		t = t.Add(partOf(unit, fraction))
	}
	return t.UTC(), nil
}

// partOf returns a fraction of a unit of time, of which the digits behind the point are
// given. What digits say beyond the 15th is less than a nanosecond.
func partOf(unit time.Duration, digits string) time.Duration {
	const most = 15
	digits = digits[:min(len(digits), most)]
	n, _ := new(big.Int).SetString(digits, 10)
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(len(digits))), nil)
	half := new(big.Int).Rsh(scale, 1)
	n.Mul(n, big.NewInt(int64(unit))).Add(n, half)
	return time.Duration(n.Div(n, scale).Int64())
}

func badTime(value string) error { return fmt.Errorf("%q is not a generalized time", value) }

func parseZone(zone string) (*time.Location, error) {
	if zone == "Z" {
		return time.UTC, nil
	}
	for _, layout := range []string{"-0700", "-07"} {
		if t, err := time.Parse(layout, zone); err == nil {
			_, offset := t.Zone()
			return time.FixedZone("", offset), nil
		}
	}
	return nil, fmt.Errorf("%q is not a zone", zone)
}

// FormatGeneralizedTime writes a time in UTC, with a fraction of a second where it has one.
func FormatGeneralizedTime(t time.Time) string {
	return t.UTC().Format("20060102150405.999999999") + "Z"
}
