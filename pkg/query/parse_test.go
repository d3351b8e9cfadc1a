package query_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rest2ldap/rest2ldap/pkg/query"
)

var ignorePosition = cmpopts.IgnoreFields(query.Filter{}, "Position") //nolint:gochecknoglobals // constant option

func leaf(op query.Op, value any, field ...string) query.Filter {
	return query.Filter{Op: op, Field: field, Value: value}
}

func and(children ...query.Filter) query.Filter {
	return query.Filter{Op: query.And, Children: children}
}

func or(children ...query.Filter) query.Filter {
	return query.Filter{Op: query.Or, Children: children}
}

func element(field string, child query.Filter) query.Filter {
	return query.Filter{Op: query.Element, Field: []string{field}, Children: []query.Filter{child}}
}

func not(child query.Filter) query.Filter {
	return query.Filter{Op: query.Not, Children: []query.Filter{child}}
}

func TestParseFilter(t *testing.T) {
	t.Parallel()
	a, b, c := leaf(query.Present, nil, "a"), leaf(query.Present, nil, "b"), leaf(query.Present, nil, "c")
	eq := func(value any) query.Filter { return leaf(query.Equal, value, "a") }
	for name, tc := range map[string]struct {
		text string
		want query.Filter
	}{
		"constant true":                  {`true`, query.Filter{Op: query.True}},
		"constant false in capitals":     {` FALSE `, query.Filter{Op: query.False}},
		"presence":                       {`a pr`, a},
		"presence in capitals":           {`/a PR`, a},
		"equality":                       {`a eq 'x'`, eq("x")},
		"double quotes":                  {`a eq "x"`, eq("x")},
		"contains":                       {`a co "x"`, leaf(query.Contains, "x", "a")},
		"starts with":                    {`a sw "x"`, leaf(query.StartsWith, "x", "a")},
		"less":                           {`a lt "x"`, leaf(query.Less, "x", "a")},
		"less or equal":                  {`a le "x"`, leaf(query.LessOrEqual, "x", "a")},
		"greater":                        {`a gt "x"`, leaf(query.Greater, "x", "a")},
		"greater or equal":               {`a ge "x"`, leaf(query.GreaterOrEqual, "x", "a")},
		"operators in capitals":          {`a EQ "x"`, eq("x")},
		"extended operator":              {`a caseIgnore_1.2 "x"`, query.Filter{Op: query.Extended, Name: "caseIgnore_1.2", Field: query.Pointer{"a"}, Value: "x"}},
		"integer":                        {`a eq 42`, eq(query.Number("42"))},
		"number with all its digits":     {`a eq -12345678901234567890.00100E+7`, eq(query.Number("-12345678901234567890.00100E+7"))},
		"zero":                           {`a eq 0`, eq(query.Number("0"))},
		"boolean":                        {`a eq TRUE`, eq(true)},
		"boolean false":                  {`a eq false`, eq(false)},
		"empty string":                   {`a eq ''`, eq("")},
		"other quote inside":             {`a eq "it's"`, eq("it's")},
		"escapes":                        {`a eq "\" \' \\ \/ \b\f\n\r\t \x"`, eq("\" ' \\ / \b\f\n\r\t x")},
		"escaped quote of its own":       {`a eq 'it\'s'`, eq("it's")},
		"code unit":                      {`a eq "\u00e9\u0000"`, eq("é\x00")},
		"surrogate pair":                 {`a eq "\ud83d\uDE00"`, eq("😀")},
		"parentheses in a string":        {`a eq "a*b(c) and d"`, eq("a*b(c) and d")},
		"nested field":                   {`name/familyName eq "x"`, leaf(query.Equal, "x", "name", "familyName")},
		"escaped field":                  {`/a~1b/c~0d%2F%20%c3%a9 eq "x"`, leaf(query.Equal, "x", "a/b", "c~d/ é")},
		"whole resource":                 {`/ pr`, leaf(query.Present, nil, []string{}...)},
		"field named like a word":        {`/true pr or /and pr`, or(leaf(query.Present, nil, "true"), leaf(query.Present, nil, "and"))},
		"field with a colon":             {`urn:x:User/a pr`, leaf(query.Present, nil, "urn:x:User", "a")},
		"and before or":                  {`a pr or b pr and c pr`, or(a, and(b, c))},
		"and before or, turned":          {`a pr and b pr or c pr`, or(and(a, b), c)},
		"parentheses first":              {`(a pr or b pr) and c pr`, and(or(a, b), c)},
		"several operands":               {`a pr and b pr and c pr`, and(a, b, c)},
		"groups stay":                    {`(a pr and b pr) and c pr`, and(and(a, b), c)},
		"not binds one primary":          {`!a pr and b pr`, and(not(a), b)},
		"not with a group":               {`!(a pr and b pr)`, not(and(a, b))},
		"not with a space":               {`! (a pr)`, not(a)},
		"not before a constant":          {`!true`, not(query.Filter{Op: query.True})},
		"not before a slash":             {`!/a eq 1`, not(eq(query.Number("1")))},
		"not twice":                      {`!!a pr`, not(not(a))},
		"words without spaces":           {`(a pr)and(b pr)OR!(c pr)`, or(and(a, b), not(c))},
		"tabs and line ends":             {"\ta\r\npr\nand\n(\tb pr )", and(a, b)},
		"value without a space":          {`a eq"x"and b pr`, and(eq("x"), b)},
		"in with brackets":               {`a in ['x', "y"]`, or(eq("x"), eq("y"))},
		"in with parentheses":            {`a IN("x",1 , true)`, or(eq("x"), eq(query.Number("1")), eq(true))},
		"in with one value":              {`a in ['x']`, eq("x")},
		"one element":                    {`a[x eq 1 and !y pr] or b pr`, or(element("a", and(leaf(query.Equal, query.Number("1"), "x"), not(leaf(query.Present, nil, "y")))), b)},
		"an element's element":           {`a [ x[/ eq 1] ]`, element("a", element("x", leaf(query.Equal, query.Number("1"), []string{}...)))},
		"not in":                         {`!a in ['x','y'] and b pr`, and(not(or(eq("x"), eq("y"))), b)},
		"schema name with colons":        {`_schema eq 'frapi:opendj:rest2ldap:posixUser:1.0'`, leaf(query.Equal, "frapi:opendj:rest2ldap:posixUser:1.0", "_schema")},
		"two fields and a sub-resource":  {`(userName co 'jensen' and manager/displayName sw 'Sam')`, and(leaf(query.Contains, "jensen", "userName"), leaf(query.StartsWith, "Sam", "manager", "displayName"))},
		"anything but spaces as a field": {`é$-@* pr`, leaf(query.Present, nil, "é$-@*")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := query.ParseFilter(tc.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, ignorePosition, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("ParseFilter(%q), -want +got:\n%s", tc.text, diff)
			}
			again, err := query.ParseFilter(got.String())
			if diff := cmp.Diff(got, again, ignorePosition); err != nil || diff != "" {
				t.Errorf("ParseFilter(%q) = %v, -first +second:\n%s", got.String(), err, diff)
			}
		})
	}
}

func TestParseFilterErrors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text     string
		position int
		message  string
	}{
		"nothing":                       {``, 1, `a field, "(" or "!" is expected, but the filter ends`},
		"spaces":                        {`  `, 3, `a field, "(" or "!" is expected, but the filter ends`},
		"field alone":                   {`userName`, 9, `an operator is expected, but the filter ends`},
		"no value":                      {`userName eq`, 12, `a string in quotes, a number, true or false is expected, but the filter ends`},
		"no value before and":           {`a eq and b pr`, 6, `a string in quotes, a number, true or false is expected, but "and" comes next`},
		"no operator before and":        {`a and b pr`, 3, `an operator is expected, but "and" comes next`},
		"operator of other letters":     {`a = 'x'`, 3, `an operator is expected, but "=" comes next`},
		"word without quotes":           {`é eq bjensen`, 6, `a string in quotes, a number, true or false is expected, but "bjensen" comes next`},
		"null":                          {`a eq null`, 6, `a string in quotes, a number, true or false is expected, but "null" comes next`},
		"plus sign":                     {`a eq +1`, 6, `a string in quotes, a number, true or false is expected, but "+1" comes next`},
		"leading zero":                  {`a eq 01`, 6, `a string in quotes, a number, true or false is expected, but "01" comes next`},
		"no digits after the point":     {`a eq 1.`, 6, `a string in quotes, a number, true or false is expected, but "1." comes next`},
		"no digits in the exponent":     {`a eq 1e+`, 6, `a string in quotes, a number, true or false is expected, but "1e+" comes next`},
		"minus sign alone":              {`a eq -`, 6, `a string in quotes, a number, true or false is expected, but "-" comes next`},
		"open string":                   {`a eq "x`, 6, `the string that begins here has no closing quote`},
		"open string by an escape":      {`a eq "x\"`, 6, `the string that begins here has no closing quote`},
		"string ends in a backslash":    {`a eq "x\`, 6, `the string that begins here has no closing quote`},
		"short code unit":               {`a eq "\u12"`, 7, `"\u" takes four hexadecimal digits, and a surrogate needs its pair`},
		"lone surrogate":                {`a eq "é\ud83d!"`, 8, `"\u" takes four hexadecimal digits, and a surrogate needs its pair`},
		"surrogates in the wrong order": {`a eq "\ude00\ud83d"`, 7, `"\u" takes four hexadecimal digits, and a surrogate needs its pair`},
		"leftover":                      {`a pr b pr`, 6, `"and", "or" or the end is expected, but "b" comes next`},
		"leftover after a string":       {`a eq "x""y"`, 9, `"and", "or" or the end is expected, but "\"" comes next`},
		"closing too much":              {`(a pr))`, 7, `"and", "or" or the end is expected, but ")" comes next`},
		"not closed":                    {`(a pr`, 6, `"and", "or" or ")" is expected, but the filter ends`},
		"empty group":                   {`()`, 2, `a field, "(" or "!" is expected, but ")" comes next`},
		"and twice":                     {`a pr and and b pr`, 10, `a field, "(" or "!" is expected, but "and" comes next`},
		"ends in or":                    {`a pr or`, 8, `a field, "(" or "!" is expected, but the filter ends`},
		"not alone":                     {`!`, 2, `a field, "(" or "!" is expected, but the filter ends`},
		"quoted field":                  {`"a" pr`, 1, `a field, "(" or "!" is expected, but "\"" comes next`},
		"index after a field":           {`a[0] pr`, 4, `an operator is expected, but "]" comes next`},
		"nothing in brackets":           {`a[] `, 3, `a field, "(" or "!" is expected, but "]" comes next`},
		"open brackets":                 {`a[x pr`, 7, `"and", "or" or "]" is expected, but the filter ends`},
		"brackets closed otherwise":     {`a[x pr)`, 7, `"and", "or" or "]" is expected, but ")" comes next`},
		"leftover after brackets":       {`a[x pr] pr`, 9, `"and", "or" or the end is expected, but "pr" comes next`},
		"empty member name":             {`a//b pr`, 3, `a member name is expected in the pointer "a//b"`},
		"tilde in a field":              {`x pr and a/b~2 pr`, 12, `the member name "b~2" is wrong: "~" is written "~0", and "/" in a name "~1"`},
		"percent sign in a field":       {`a%zz pr`, 1, `the member name "a%zz" is wrong: "%" is written "%25"`},
		"percent sign at the end":       {`a% pr`, 1, `the member name "a%" is wrong: "%" is written "%25"`},
		"field is not UTF-8 decoded":    {`a%ff pr`, 1, `the member name "a%ff" is wrong: it is not UTF-8 after decoding`},
		"not UTF-8":                     {"é eq '\xff'", 7, `the text is not UTF-8`},
		"in without a list":             {`a in 'x'`, 6, `"[" or "(" is expected, but "'" comes next`},
		"in with an empty list":         {`a in []`, 7, `a string in quotes, a number, true or false is expected, but "]" comes next`},
		"in with another end":           {`a in ['x')`, 10, `"," or "]" is expected, but ")" comes next`},
		"in with a comma at the end":    {`a in ('x',)`, 11, `a string in quotes, a number, true or false is expected, but ")" comes next`},
		"long word":                     {`a eq 1 aaaaaaaaaabbbbbbbbbbcccc`, 8, `"and", "or" or the end is expected, but "aaaaaaaaaabbbbbbbbbb"… comes next`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := query.ParseFilter(tc.text)
			want := &query.SyntaxError{Position: tc.position, Message: tc.message}
			if diff := cmp.Diff(want, syntaxError(t, err)); diff != "" {
				t.Errorf("ParseFilter(%q), -want +got:\n%s", tc.text, diff)
			}
		})
	}
}

func syntaxError(t *testing.T, err error) *query.SyntaxError {
	t.Helper()
	var syntax *query.SyntaxError
	if !errors.As(err, &syntax) {
		t.Fatalf("got %v, want a SyntaxError", err)
	}
	return syntax
}

func TestSyntaxErrorNamesItsPosition(t *testing.T) {
	t.Parallel()
	err := &query.SyntaxError{Position: 3, Message: "no"}
	if got := err.Error(); got != "position 3: no" {
		t.Errorf("Error() = %q", got)
	}
	err.Position = 0
	if got := err.Error(); got != "no" {
		t.Errorf("Error() = %q", got)
	}
}

func TestParseFilterPositions(t *testing.T) {
	t.Parallel()
	f, err := query.ParseFilter(`é pr and !(b pr or c in [1,2])`)
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	var walk func(query.Filter)
	walk = func(f query.Filter) {
		got = append(got, f.Position)
		for _, child := range f.Children {
			walk(child)
		}
	}
	walk(f)
	// and, é, !, or, b, in, its two values
	if diff := cmp.Diff([]int{1, 1, 10, 12, 12, 20, 20, 20}, got); diff != "" {
		t.Errorf("positions, -want +got:\n%s", diff)
	}
}

func TestParseFilterLimits(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("(", n) + "a pr" + strings.Repeat(")", n) }
	nots := func(n int) string { return strings.Repeat("!", n) + "a pr" }
	brackets := func(n int) string { return strings.Repeat("a[", n) + "a pr" + strings.Repeat("]", n) }
	wide := func(n int) string { return "a pr" + strings.Repeat(" and a pr", n-1) }
	list := func(n int) string { return "a in [1" + strings.Repeat(",1", n-1) + "]" }
	long := func(n int) string { return "a eq '" + strings.Repeat("x", n-len("a eq ''")) + "'" }
	for name, tc := range map[string]struct {
		text  func(int) string
		limit int // of the error
		n     int // the greatest n that is taken
	}{
		"parentheses": {deep, query.MaxFilterDepth, query.MaxFilterDepth},
		"not":         {nots, query.MaxFilterDepth, query.MaxFilterDepth},
		"brackets":    {brackets, query.MaxFilterDepth, query.MaxFilterDepth},
		"operands":    {wide, query.MaxFilterNodes, query.MaxFilterNodes - 1},
		"values":      {list, query.MaxFilterNodes, query.MaxFilterNodes - 1},
		"length":      {long, query.MaxFilterLength, query.MaxFilterLength},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := query.ParseFilter(tc.text(tc.n)); err != nil {
				t.Errorf("at the limit: %v", err)
			}
			_, err := query.ParseFilter(tc.text(tc.n + 1))
			if got := syntaxError(t, err); got.Limit != tc.limit {
				t.Errorf("beyond the limit: %+v, want limit %d", got, tc.limit)
			}
		})
	}
}

func TestLimitsOfTheCaller(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		limits query.Limits
		text   string
	}{
		"depth":  {query.Limits{Depth: 1}, `((a pr))`},
		"nodes":  {query.Limits{Nodes: 2}, `a pr or b pr`},
		"length": {query.Limits{Length: 3}, `a pr`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tc.limits.ParseFilter(tc.text)
			if syntaxError(t, err).Limit == 0 {
				t.Errorf("%v, want a limit", err)
			}
		})
	}
}

func TestFilterString(t *testing.T) {
	t.Parallel()
	a, b, c := leaf(query.Present, nil, "a"), leaf(query.Present, nil, "b"), leaf(query.Present, nil, "c")
	for name, tc := range map[string]struct {
		filter query.Filter
		want   string
	}{
		"or in and":           {and(or(a, b), c), `(/a pr or /b pr) and /c pr`},
		"and in or":           {or(and(a, b), c), `/a pr and /b pr or /c pr`},
		"not of a comparison": {not(a), `!/a pr`},
		"not of or":           {not(or(a, b)), `!(/a pr or /b pr)`},
		"empty and":           {query.Filter{}, `true`},
		"empty or":            {or(), `false`},
		"and of one":          {and(a), `/a pr`},
		"values":              {or(leaf(query.Equal, "a\"\\\n", "x"), leaf(query.Less, query.Number("1.50"), "x"), leaf(query.Equal, true, "x")), `/x eq "a\"\\\u000a" or /x lt 1.50 or /x eq true`},
		"field":               {leaf(query.Present, nil, "a b%", "(c)/~"), `/a%20b%25/%28c%29~1~0 pr`},
		"whole resource":      {leaf(query.Present, nil), `/ pr`},
		"extended":            {query.Filter{Op: query.Extended, Name: "x.y", Field: query.Pointer{"a"}, Value: "b"}, `/a x.y "b"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tc.filter.String(); got != tc.want {
				t.Errorf("String() = %s, want %s", got, tc.want)
			}
		})
	}
}
