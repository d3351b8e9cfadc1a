package directory_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rest2ldap/rest2ldap/pkg/directory"
)

func TestDNTemplateExpand(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"username": `bjensen`, "odd": ` a,b+c="#\{username}`, "sharp": "#41", "dn": "uid=a, ou=People", "a.b/c:d_e-f": "x",
	}
	for name, tc := range map[string]struct {
		template string
		want     string
	}{
		"empty":                    {``, ``},
		"no variable":              {`ou=People, dc=x`, `ou=People,dc=x`},
		"whole value":              {`uid={username},ou=People,dc=x`, `uid=bjensen,ou=People,dc=x`},
		"part of a value":          {`cn=User {username}!,dc=x`, `cn=User bjensen!,dc=x`},
		"twice":                    {`uid={username}+cn={username} {username}`, `uid=bjensen+cn=bjensen bjensen`},
		"special characters":       {`uid={odd},dc=x`, `uid=\ a\,b\+c=\"#\\{username},dc=x`},
		"no hexadecimal form":      {`uid={sharp}`, `uid=\#41`},
		"punctuation in the name":  {`uid={a.b/c:d_e-f}`, `uid=x`},
		"doubled braces":           {`cn={{username}}`, `cn={username}`},
		"doubled beside variables": {`cn={{{username}}}`, `cn={bjensen}`},
		"escaped braces":           {`cn=\7busername\7D`, `cn={username}`},
		"braces in BER":            {`cn=#04037b617d`, `cn={a}`},
		"one placeholder is a DN":  {`{dn}`, `uid=a,ou=People`},
		"spaces around it":         {` {dn} `, `uid=a,ou=People`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			template, err := directory.ParseDNTemplate(tc.template)
			if err != nil {
				t.Fatal(err)
			}
			dn, err := template.Expand(values)
			if err != nil || dn.String() != tc.want {
				t.Errorf("Expand = %q, %v; want %q", dn, err, tc.want)
			}
			if got := template.String(); got != tc.template {
				t.Errorf("String() = %q", got)
			}
		})
	}
}

func TestDNTemplateResolve(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		template string
		want     string
	}{
		"empty":                {``, `dc=example,dc=com`},
		"below":                {`ou=people`, `ou=people,dc=example,dc=com`},
		"above":                {`..`, `dc=com`},
		"beside":               {`ou=x,..`, `ou=x,dc=com`},
		"beside with a value":  {`dc={subdomain} , ..`, `dc=www,dc=com`},
		"to the root DSE":      {`..,..`, ``},
		"past the top":         {`ou=x,..,..,..`, `ou=x`},
		"two levels":           {`uid=a,ou=x`, `uid=a,ou=x,dc=example,dc=com`},
		"dots that are a name": {`ou=..,..`, `ou=..,dc=com`},
		"escaped comma":        {`ou=x\,..`, `ou=x\,..,dc=example,dc=com`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			template, err := directory.ParseDNTemplate(tc.template)
			if err != nil {
				t.Fatal(err)
			}
			dn, err := template.Resolve(directory.MustParseDN("dc=example,dc=com"), map[string]string{"subdomain": "www"})
			if err != nil || dn.String() != tc.want {
				t.Errorf("Resolve = %q, %v; want %q", dn, err, tc.want)
			}
		})
	}
}

func TestDNTemplateQuestions(t *testing.T) {
	t.Parallel()
	type answers struct {
		Variables  []string
		Climbs     int
		IsVariable bool
	}
	for text, want := range map[string]answers{
		``:                            {},
		`uid={b}+cn={a}{b},ou={c},..`: {Variables: []string{"b", "a", "c"}, Climbs: 1},
		`{a}`:                         {Variables: []string{"a"}, IsVariable: true},
		`..,..`:                       {Climbs: 2},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			template, err := directory.ParseDNTemplate(text)
			if err != nil {
				t.Fatal(err)
			}
			got := answers{template.Variables(), template.Climbs(), template.IsVariable()}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestParseDNTemplateErrors(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{a}{b}`, `x{a}`, `..,ou=x`, `ou=x,..,dc=y`, `ou=x,...`, `ou=x,..+cn=a`, `..,`, `ou={`, `ou={a`, `ou=}`, `ou={}`,
		`ou={a b}`, `ou={a{b}`, `{x}=a`, `ou={a}}`, `ou=a,{b}`, `ou={é}`,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			template, err := directory.ParseDNTemplate(text)
			if got := syntaxError(t, err); got.What != "DN" || got.Text != text {
				t.Errorf("got %+v", got)
			}
			if template.String() != "" {
				t.Errorf("a template in spite of the error: %q", template)
			}
		})
	}
}

func TestDNTemplateRefusesValues(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		template, value string
	}{
		"empty":              {`uid={x}`, ""},
		"NUL":                {`uid={x}`, "a\x00b"},
		"empty part":         {`cn=a{x}`, ""},
		"empty DN":           {`{x}`, ""},
		"spaces as a DN":     {`{x}`, "  "},
		"not a DN":           {`{x}`, "bjensen"},
		"DN that climbs":     {`{x}`, "uid=a,.."},
		"NUL in a DN":        {`{x}`, "uid=a\x00"},
		"hidden in template": {`{x}`, "{y}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			template, err := directory.ParseDNTemplate(tc.template)
			if err != nil {
				t.Fatal(err)
			}
			dn, err := template.Expand(map[string]string{"x": tc.value, "y": "uid=y"})
			var variable *directory.VariableError
			if !errors.As(err, &variable) || variable.Name != "x" {
				t.Errorf("Expand = %q, %v; want a VariableError", dn, err)
			}
		})
	}
}

func TestVariableErrorNamesTheVariable(t *testing.T) {
	t.Parallel()
	template, err := directory.ParseFilterTemplate(`(uid={username})`)
	if err != nil {
		t.Fatal(err)
	}
	_, err = template.Expand(map[string]string{"user": "x"})
	if want := `template variable "username": there is no value`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestDNTemplateNeedsTheRightCall(t *testing.T) {
	t.Parallel()
	climbing, err := directory.ParseDNTemplate(`ou=x,..`)
	if err != nil {
		t.Fatal(err)
	}
	if dn, err := climbing.Expand(nil); err == nil {
		t.Errorf("Expand of a climbing template = %q", dn)
	}
	whole, err := directory.ParseDNTemplate(`{x}`)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{"x": "cn=admin,dc=x"}
	if dn, err := whole.Resolve(directory.MustParseDN("dc=y"), values); err == nil {
		t.Errorf("Resolve of a whole DN = %q", dn)
	}
}

func TestZeroDNTemplateIsTheContext(t *testing.T) {
	t.Parallel()
	dn, err := directory.DNTemplate{}.Resolve(directory.MustParseDN("dc=x"), nil)
	if err != nil || dn.String() != "dc=x" {
		t.Errorf("got %q, %v", dn, err)
	}
}

func TestFilterTemplateExpand(t *testing.T) {
	t.Parallel()
	values := map[string]string{"username": "bjensen", "odd": `*)(uid=*))(|(uid=*\2a{username}`}
	for name, tc := range map[string]struct {
		template string
		want     string
	}{
		"no variable":        {`(objectClass=*)`, `(objectClass=*)`},
		"login":              {`(&(uid={username})(objectClass=inetOrgPerson))`, `(&(uid=bjensen)(objectClass=inetOrgPerson))`},
		"two attributes":     {`(|(uid={username})(mail={username}@x))`, `(|(uid=bjensen)(mail=bjensen@x))`},
		"special characters": {`(uid={odd})`, `(uid=\2a\29\28uid=\2a\29\29\28|\28uid=\2a\5c2a{username})`},
		"substrings":         {`(cn={username}*x{username}*{odd})`, `(cn=bjensen*xbjensen*\2a\29\28uid=\2a\29\29\28|\28uid=\2a\5c2a{username})`},
		"other matches":      {`(!(|(a>={username})(a<={username})(a~={username})(a:dn:r:={username})))`, `(!(|(a>=bjensen)(a<=bjensen)(a~=bjensen)(a:dn:r:=bjensen)))`},
		"doubled braces":     {`(cn={{username}})`, `(cn={username})`},
		"escaped braces":     {`(cn=\7busername\7d)`, `(cn={username})`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			template, err := directory.ParseFilterTemplate(tc.template)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the first must not change the template
				filter, err := template.Expand(values)
				if err != nil || filter.String() != tc.want {
					t.Errorf("Expand = %s, %v; want %s", filter, err, tc.want)
				}
			}
			if got := template.String(); got != tc.template {
				t.Errorf("String() = %q", got)
			}
		})
	}
}

func TestFilterTemplateVariables(t *testing.T) {
	t.Parallel()
	template, err := directory.ParseFilterTemplate(`(&(a={x}*{y}*{z})(b={y}{w}))`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"x", "y", "z", "w"}, template.Variables()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestParseFilterTemplateErrors(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`(uid={username)`, `(uid=})`, `({a}=x)`, `(uid={a*b})`, `{filter}`, `(uid={})`, `(a=b`} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			template, err := directory.ParseFilterTemplate(text)
			if got := syntaxError(t, err); got.What != "filter" || template.String() != "" {
				t.Errorf("got %+v, %q", got, template)
			}
		})
	}
}

func TestFilterTemplateRefusesValues(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`(uid={x})`, `(uid={x}*)`, `(uid=*{x}*)`, `(!(uid=a{x}))`, `(uid:r:={x})`} {
		for _, value := range []string{"", "a\x00"} {
			template, err := directory.ParseFilterTemplate(text)
			if err != nil {
				t.Fatal(err)
			}
			filter, err := template.Expand(map[string]string{"x": value})
			var variable *directory.VariableError
			if !errors.As(err, &variable) || variable.Name != "x" {
				t.Errorf("%s with %q: %s, %v", text, value, filter, err)
			}
		}
	}
}

func TestAnyValueStaysOneValue(t *testing.T) {
	t.Parallel()
	filter, err := directory.ParseFilterTemplate(`(uid=a{x}b)`)
	if err != nil {
		t.Fatal(err)
	}
	name, err := directory.ParseDNTemplate(`uid=a{x}b,dc=x`)
	if err != nil {
		t.Fatal(err)
	}
	usable := func(s string) bool { return s != "" && !containsNUL(s) }
	rapid.Check(t, func(t *rapid.T) {
		value := octets().Filter(usable).Draw(t, "value")
		values := map[string]string{"x": value}
		gotFilter, err := filter.Expand(values)
		if diff := cmp.Diff(directory.Equal("uid", "a"+value+"b"), gotFilter); err != nil || diff != "" {
			t.Errorf("%v, -want +got:\n%s", err, diff)
		}
		gotName, err := name.Expand(values)
		want := []directory.RDN{{{Type: "uid", Value: "a" + value + "b"}}, {{Type: "dc", Value: "x"}}}
		if diff := cmp.Diff(want, rdnsOf(gotName)); err != nil || diff != "" {
			t.Errorf("%v, -want +got:\n%s", err, diff)
		}
	})
}

func containsNUL(s string) bool {
	for i := range len(s) {
		if s[i] == 0 {
			return true
		}
	}
	return false
}
