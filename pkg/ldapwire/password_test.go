package ldapwire_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/pkg/ldapwire"
)

// The request is read back by another implementation of BER.
func TestEncodePasswordModify(t *testing.T) {
	long := string(bytes.Repeat([]byte("x"), 300))
	for name, want := range map[string][3]string{
		"plain": {"uid=bjensen,ou=People,dc=example,dc=com", "hifalutin", "password"},
		"octet": {"uid=a\\, b,dc=x", "ünï\x00code", long},
		"empty": {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			value := (&ldapwire.PasswordModify{User: want[0], Old: want[1], New: want[2], HasOld: true, HasNew: true}).Encode()
			packet, err := ber.DecodePacketErr([]byte(value))
			if err != nil || len(packet.Children) != 3 {
				t.Fatalf("%x: %v", value, err)
			}
			var got [3]string
			for i, child := range packet.Children {
				if child.ClassType != ber.ClassContext || int(child.Tag) != i {
					t.Errorf("element %d has class %d and tag %d", i, child.ClassType, child.Tag)
				}
				got[i] = child.Data.String()
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Without a new password the server is to make one.
func TestEncodePasswordModifyParts(t *testing.T) {
	for name, test := range map[string]struct {
		value ldapwire.PasswordModify
		want  string
	}{
		"reset":   {ldapwire.PasswordModify{User: "u"}, "308400000003800175"},
		"old":     {ldapwire.PasswordModify{User: "u", Old: "o"}, "30840000000680017581016f"},
		"new":     {ldapwire.PasswordModify{User: "u", New: "n"}, "30840000000680017582016e"},
		"empties": {ldapwire.PasswordModify{HasOld: true, HasNew: true}, "308400000006800081008200"},
	} {
		if got := hex.EncodeToString([]byte(test.value.Encode())); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestGeneratedPassword(t *testing.T) {
	for name, test := range map[string]struct {
		value string // of the answer
		none  bool   // without a value
		want  string
		bad   bool
	}{
		"none":      {none: true},
		"empty":     {value: "3000"},
		"slapd":     {value: hex.EncodeToString([]byte(ldapwire.GeneratedPassword("s3cret"))), want: "s3cret"},
		"cut off":   {value: "30038001", bad: true},
		"other tag": {value: "3003810161", bad: true},
		"no list":   {value: "800161", bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			value, err := hex.DecodeString(test.value)
			if err != nil {
				t.Fatal(err)
			}
			encoded := ldapwire.AppendExtendedResult(nil, 7, ldapwire.Result{}, "", string(value), !test.none)
			m, err := ldapwire.NewReader(bytes.NewReader(encoded), 1<<16).Read()
			if err != nil {
				t.Fatal(err)
			}
			got, err := m.GeneratedPassword()
			if got != test.want || test.bad != errors.Is(err, ldapwire.ErrMalformed) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestPolicyAnswer(t *testing.T) {
	none := ldapwire.NoPolicyError
	for name, test := range map[string]struct {
		value string
		want  ldapwire.PolicyAnswer
		bad   bool
	}{
		"nothing":            {value: "", want: ldapwire.PolicyAnswer{Error: none}},
		"expires":            {value: "3005a003800105", want: ldapwire.PolicyAnswer{Error: none, Expires: 5, HasExpiry: true}},
		"expires late":       {value: "3008a0068004000f4240", want: ldapwire.PolicyAnswer{Error: none, Expires: 1_000_000, HasExpiry: true}},
		"grace":              {value: "3005a003810102", want: ldapwire.PolicyAnswer{Error: none, Grace: 2, HasGrace: true}},
		"last grace":         {value: "3005a003810100", want: ldapwire.PolicyAnswer{Error: none, HasGrace: true}},
		"expired":            {value: "3003810100", want: ldapwire.PolicyAnswer{Error: ldapwire.PasswordExpired}},
		"reset, expires":     {value: "3008a003800105810102", want: ldapwire.PolicyAnswer{Error: ldapwire.ChangeAfterReset, Expires: 5, HasExpiry: true}},
		"warning of another": {value: "3005a003830105", want: ldapwire.PolicyAnswer{Error: none}},
		"cut off":            {value: "3005a0038101", bad: true},
		"long number":        {value: "300aa00880060102030405", bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			value, err := hex.DecodeString(test.value)
			if err != nil {
				t.Fatal(err)
			}
			got, err := extended(t, value).PolicyAnswer()
			if test.bad != errors.Is(err, ldapwire.ErrMalformed) || !test.bad && got != test.want {
				t.Errorf("%+v, %v", got, err)
			}
			if test.bad || strings.HasPrefix(name, "warning") {
				return
			}
			var again []byte
			again = ldapwire.AppendExtendedResult(again, 7, ldapwire.Result{}, "", "", false, ldapwire.PasswordPolicyResult(test.want))
			m, err := ldapwire.NewReader(bytes.NewReader(again), 1<<16).Read()
			if err != nil {
				t.Fatal(err)
			}
			if got, err := m.PolicyAnswer(); err != nil || got != test.want {
				t.Errorf("read back: %+v, %v", got, err)
			}
		})
	}
}

// The answers are those of slapd 2.5, and what others may send.
func TestPolicyError(t *testing.T) {
	for name, test := range map[string]struct {
		value string // hexadecimal; "" for no control
		want  ldapwire.PolicyError
		bad   bool
	}{
		"no control":        {"", ldapwire.NoPolicyError, false},
		"nothing to say":    {"3000", ldapwire.NoPolicyError, false},
		"too short":         {"3003810106", ldapwire.PasswordTooShort, false},
		"in history":        {"3003810108", ldapwire.PasswordInHistory, false},
		"warning":           {"3005a003800105", ldapwire.NoPolicyError, false},
		"warning and error": {"3008a003800105810107", ldapwire.PasswordTooYoung, false},
		"later error":       {"300381010a", 10, false},
		"cut off":           {"30038101", 0, true},
		"other tag":         {"3003850106", 0, true},
		"no sequence":       {"810106", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			value, err := hex.DecodeString(test.value)
			if err != nil {
				t.Fatal(err)
			}
			got, err := extended(t, value).PolicyError()
			if test.bad {
				if !errors.Is(err, ldapwire.ErrMalformed) {
					t.Fatalf("%v, %v", got, err)
				}
				return
			}
			if err != nil || got != test.want {
				t.Errorf("got %v, %v; want %v", got, err, test.want)
			}
		})
	}
}

// extended is the response to an extended request, with the control of a policy unless
// its value is empty.
func extended(t *testing.T, value []byte) *ldapwire.Message {
	t.Helper()
	message := ber.NewSequence("")
	message.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 7, ""))
	response := ber.Encode(ber.ClassApplication, ber.TypeConstructed, 24, nil, "")
	response.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, 19, ""))
	response.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, "", ""))
	response.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, "", ""))
	message.AppendChild(response)
	if len(value) > 0 {
		control := ber.NewSequence("")
		control.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, ldapwire.OIDPasswordPolicy, ""))
		control.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, string(value), ""))
		controls := ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "")
		controls.AppendChild(control)
		message.AppendChild(controls)
	}
	decoded, err := ldapwire.NewReader(bytes.NewReader(message.Bytes()), 1<<16).Read()
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}
