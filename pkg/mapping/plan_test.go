package mapping_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rest2ldap/rest2ldap/mappings"
	"github.com/rest2ldap/rest2ldap/pkg/directory"
	"github.com/rest2ldap/rest2ldap/pkg/fault"
	"github.com/rest2ldap/rest2ldap/pkg/mapping"
	"github.com/rest2ldap/rest2ldap/pkg/query"
)

// TestPlan runs the stories of testdata/plan. An archive may hold
//
//   - mapping.yaml, whose root type is "root"; else it is the shipped mapping;
//   - entries.ldif; else it is testdata/people.ldif;
//   - schema, more attribute types than OpenLDAP publishes, or the one word "none";
//   - revision, the attribute of the revision; else it is entryCSN.
//
// Its story is blocks of a request, a line "----", and what the planner makes of the
// request. A line "search" is what the planner asked the directory. A heading that is
// the number of a row of the specification makes a test of that name of what follows.
func TestPlan(t *testing.T) {
	t.Parallel()
	archives(t, "plan", func(t *testing.T, archive *txtar.Archive) map[string]string {
		t.Helper()
		p := newPlanner(t, archive)
		var b strings.Builder
		for _, w := range p.binding.Warnings() {
			fmt.Fprintln(&b, "#", w)
		}
		for block := range strings.SplitSeq(strings.TrimSpace(sectionOf(archive, "story")), "\n\n") {
			if strings.HasPrefix(block, "#") && !strings.Contains(block, "\n") {
				if !strings.Contains(b.String(), block) {
					fmt.Fprintf(&b, "\n%s\n", block)
				}
				continue
			}
			request, _, _ := strings.Cut(block, "\n----")
			p.run(t, strings.TrimSpace(request), &b)
		}
		story := strings.TrimPrefix(b.String(), "\n")
		rows(t, sectionOf(archive, "story"), story)
		return map[string]string{"story": story}
	}, "story")
}

// isRow tells the number of a row of the specification: of a case, a defect of the
// reference product, or a weak point of it.
var isRow = regexp.MustCompile(`^(R_[A-Z][0-9]{2}|X[0-9]{2}|W[0-9]{1,2})$`)

// rows holds the parts of a story against what is planned, one test for each row.
func rows(t *testing.T, want, got string) {
	t.Helper()
	heading := regexp.MustCompile(`(?m)^# (.*)$`)
	parts := func(story string) map[string]string {
		all := make(map[string]string)
		places := append(heading.FindAllStringSubmatchIndex(story, -1), []int{len(story)})
		for i, at := range places[:len(places)-1] {
			all[story[at[2]:at[3]]] = strings.TrimSpace(story[at[1]:places[i+1][0]])
		}
		return all
	}
	wanted, planned := parts(want), parts(got)
	for name := range wanted {
		if !isRow.MatchString(name) || *update {
			continue
		}
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(wanted[name], planned[name]); diff != "" || wanted[name] == "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// planner is a bound mapping over a fake directory.
type planner struct {
	binding *mapping.Binding
	dir     *fakeDirectory
}

func newPlanner(t testing.TB, archive *txtar.Archive) *planner {
	t.Helper()
	fsys := mappings.Files()
	if text := sectionOf(archive, "mapping.yaml"); text != "" {
		fsys = fstest.MapFS{"api/root.yaml": {Data: []byte(text)}}
	}
	models, _, err := mapping.Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	capabilities := &directory.Capabilities{Assertion: true, ReadEntry: true, Revision: "entryCSN"}
	if r := strings.TrimSpace(sectionOf(archive, "revision")); r != "" {
		capabilities.Revision = strings.Trim(r, `"`)
	}
	if more := strings.TrimSpace(sectionOf(archive, "schema")); more != "none" {
		capabilities.Schema = openLDAP(t, slices.DeleteFunc(strings.Split(more, "\n"), func(s string) bool { return s == "" })...)
	}
	ldif := sectionOf(archive, "entries.ldif")
	if ldif == "" {
		data, err := os.ReadFile("testdata/people.ldif")
		if err != nil {
			t.Fatal(err)
		}
		ldif = string(data)
	}
	dir := &fakeDirectory{entries: parseLDIF(t, ldif), matcher: jsonMatcher(capabilities.Schema), schema: capabilities.Schema}
	return &planner{binding: models[0].Bind(capabilities), dir: dir}
}

// run writes a request and its outcome.
func (p *planner) run(t *testing.T, request string, out *strings.Builder) {
	t.Helper()
	fmt.Fprintf(out, "\n%s\n----\n", request)
	p.dir.log = out
	line, body, _ := strings.Cut(request, "\n")
	verb, rest, _ := strings.Cut(line, " ")
	uri, argument, _ := strings.Cut(rest, " ")
	path, fields, _ := strings.Cut(uri, "?")
	if err := p.plan(t.Context(), verb, path, fields, strings.TrimSpace(argument+"\n"+body), out); err != nil {
		fmt.Fprintln(out, faultText(err))
	}
}

func (p *planner) plan(ctx context.Context, verb, path, fields, body string, out *strings.Builder) error {
	target, err := p.locate(path)
	if err != nil {
		return err
	}
	req := &mapping.Request{}
	if req.Fields, err = query.ParseFields(fields); err != nil {
		return err
	}
	switch verb {
	case "locate":
		locateText(out, target)
		return nil
	case "read":
		return p.read(ctx, target, req, out)
	case "query":
		return p.query(ctx, target, req, body, out)
	case "create":
		return p.create(ctx, target, body, out)
	case "update", "patch":
		return p.change(ctx, verb, target, body, out)
	}
	return fmt.Errorf("the story has an unknown verb %q", verb)
}

func (p *planner) locate(path string) (*mapping.Target, error) {
	var segments []string
	for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		segment, err := url.PathUnescape(part)
		if err != nil {
			return nil, err
		}
		if part != "" {
			segments = append(segments, segment)
		}
	}
	return p.binding.Locate(context.Background(), segments, p.dir.find)
}

func locateText(out *strings.Builder, t *mapping.Target) {
	fmt.Fprintf(out, "type %s", t.TypeName())
	mark(out, t.IsCollection(), "collection")
	mark(out, t.IsSingleton(), "singleton")
	mark(out, t.IsReadOnly(), "readOnly")
	if t.ID() != "" {
		fmt.Fprintf(out, " id %q", t.ID())
	}
	if dn, ok := t.DN(); ok {
		fmt.Fprintf(out, " dn %q", dn)
	}
	fmt.Fprintln(out)
	if !t.IsCollection() {
		fmt.Fprintf(out, "lookup %s\nstub %s\n", searchText(t.Lookup(nil)), t.Stub())
	}
}

func (p *planner) read(ctx context.Context, target *mapping.Target, req *mapping.Request, out *strings.Builder) error {
	encoder := target.Encoder(req)
	lookup := target.Lookup(encoder.Attributes())
	fmt.Fprintln(out, "lookup", searchText(lookup))
	entries, err := p.dir.search(lookup)
	if err != nil {
		return err
	}
	return p.encode(ctx, target, encoder, entries, out)
}

func (p *planner) encode(ctx context.Context, target *mapping.Target, encoder *mapping.Encoder, entries []*directory.Entry, out *strings.Builder) error {
	if err := encoder.Resolve(ctx, p.dir.find, entries); err != nil {
		return err
	}
	for _, e := range entries {
		resource := encoder.Append(nil, e)
		fmt.Fprintf(out, "%s\n", resource)
		value, err := mapping.DecodeJSON(resource, 64)
		if err != nil {
			return fmt.Errorf("what the encoder made is not JSON: %w", err)
		}
		if again := mapping.AppendJSON(nil, value); !bytes.Equal(again, resource) {
			return fmt.Errorf("what the encoder made is not compact: %s", again)
		}
	}
	if r := target.RevisionOf(&directory.Entry{}); r != (mapping.Revision{}) {
		return fmt.Errorf("an empty entry has the revision %+v", r)
	}
	return nil
}

func (p *planner) query(ctx context.Context, target *mapping.Target, req *mapping.Request, text string, out *strings.Builder) error {
	filter, err := query.ParseFilter(text)
	if err != nil {
		return err
	}
	selection, err := target.Select(ctx, filter, p.dir.find)
	if err != nil || selection.Nothing {
		if err == nil {
			fmt.Fprintln(out, "nothing")
		}
		return err
	}
	fmt.Fprintf(out, "select %q %s %s\n", selection.Base, [...]string{"base", "one", "sub"}[selection.Scope], selection.Filter)
	if selection.Residual != nil {
		fmt.Fprintf(out, "residual %s [%s]\n", selection.Residual, strings.Join(selection.Attributes, " "))
	}
	encoder := target.Encoder(req)
	found, err := p.dir.search(&directory.SearchRequest{
		Base: selection.Base, Scope: selection.Scope, Filter: selection.Filter, Attributes: slices.Concat(encoder.Attributes(), selection.Attributes),
	})
	if err != nil {
		return err
	}
	var members []*directory.Entry
	var ids []string
	for _, e := range found {
		holds, err := target.Holds(selection, e)
		if err != nil {
			return err
		}
		if holds {
			members = append(members, e)
			ids = append(ids, target.IDOf(e))
		}
	}
	fmt.Fprintf(out, "ids %s\n", strings.Join(ids, ", "))
	if req.Fields == nil {
		return nil
	}
	return p.encode(ctx, target, encoder, members, out)
}

func (p *planner) create(ctx context.Context, target *mapping.Target, body string, out *strings.Builder) error {
	object, err := decodeObject(body)
	if err != nil {
		return err
	}
	creation, err := target.Create(ctx, object, p.dir.find)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "id %q\ndn: %s\n", creation.ID, creation.Entry.DN)
	for _, a := range creation.Entry.Attributes {
		for _, v := range a.Values {
			fmt.Fprintf(out, "%s: %s\n", a.Name, printable(v))
		}
	}
	return nil
}

func (p *planner) change(ctx context.Context, verb string, target *mapping.Target, body string, out *strings.Builder) error {
	lookup := target.Lookup(target.UpdateAttributes())
	stored, err := p.dir.search(lookup)
	if err != nil {
		return err
	}
	if len(stored) != 1 {
		return fmt.Errorf("%d entries", len(stored))
	}
	var changes []directory.Change
	if verb == "update" {
		var object *mapping.Object
		if object, err = decodeObject(body); err == nil {
			changes, err = target.Update(ctx, stored[0], object, p.dir.find)
		}
	} else {
		changes, err = patch(ctx, target, stored[0], body, p.dir, out)
	}
	if err != nil {
		return err
	}
	changesText(out, changes)
	return nil
}

func patch(ctx context.Context, target *mapping.Target, stored *directory.Entry, body string, dir *fakeDirectory, out *strings.Builder) ([]directory.Change, error) {
	ops, err := patchOps(body)
	if err != nil {
		return nil, err
	}
	if needed := target.PatchAttributes(ops); len(needed) == 0 {
		stored = nil
	} else {
		fmt.Fprintln(out, strings.TrimSuffix("the entry is needed, "+strings.Join(needed, " "), ", objectClass"))
	}
	changes, err := target.Patch(ctx, stored, ops, dir.find)
	if err != nil || stored == nil {
		return changes, err
	}
	if pruned, any := target.Prune(stored, changes); any {
		fmt.Fprintln(out, "pruned:")
		return pruned, nil
	}
	return changes, nil
}

func changesText(out *strings.Builder, changes []directory.Change) {
	if len(changes) == 0 {
		fmt.Fprintln(out, "no changes")
	}
	for _, c := range changes {
		fmt.Fprintf(out, "%s %s:", [...]string{"add", "delete", "replace", "increment"}[c.Op], c.Attribute)
		for i, v := range c.Values {
			if i > 0 {
				fmt.Fprint(out, " |")
			}
			fmt.Fprint(out, " ", printable(v))
		}
		fmt.Fprintln(out)
	}
}

func printable(v string) string {
	if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == '\ufffd' }) {
		return fmt.Sprintf("%q", v)
	}
	return v
}

func decodeObject(text string) (*mapping.Object, error) {
	value, err := mapping.DecodeJSON([]byte(text), 64)
	if err != nil {
		return nil, err
	}
	object, ok := value.(*mapping.Object)
	if !ok {
		return nil, errors.New("the story's body is no object")
	}
	return object, nil
}

// patchOps reads the operations of a body in the form of the mapped API.
func patchOps(text string) ([]mapping.PatchOp, error) {
	value, err := mapping.DecodeJSON([]byte(text), 64)
	if err != nil {
		return nil, err
	}
	list, _ := value.([]any)
	var ops []mapping.PatchOp
	for _, item := range list {
		object, _ := item.(*mapping.Object)
		name, _ := object.Lookup("operation")
		verb := slices.Index([]string{"add", "remove", "replace", "increment"}, fmt.Sprint(name))
		field, _ := object.Lookup("field")
		pointer, err := query.ParsePointer(fmt.Sprint(field))
		if err != nil || verb < 0 {
			return nil, fmt.Errorf("the story's operation %v of %v: %w", name, field, err)
		}
		op := mapping.PatchOp{Verb: mapping.PatchVerb(verb), Field: pointer}
		op.Value, op.HasValue = object.Lookup("value")
		ops = append(ops, op)
	}
	return ops, nil
}

func faultText(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) {
		return "error " + err.Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "fault %s", f.Kind)
	option(&b, "kind", f.Detail.Kind)
	option(&b, "field", f.Detail.Field)
	if f.Detail.Position > 0 {
		fmt.Fprintf(&b, " position=%d", f.Detail.Position)
	}
	fmt.Fprintf(&b, ": %s", f.Message)
	return b.String()
}
