package tally_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rest2ldap/rest2ldap/internal/tally"
)

// probeVariable makes [TestProbe] do something; the tests of this file run it in
// a test binary of its own, because what it does ends or fails a test.
const probeVariable = "REST2LDAP_TALLY_PROBE"

// TestProbe is the test that other tests watch.
func TestProbe(t *testing.T) {
	switch os.Getenv(probeVariable) {
	case "":
		t.Skip("only run by the tests of this file")
	case "missing":
		tally.Missing(t, tally.Container, errors.New("no engine"))
	case "unfit":
		tally.Unfit(t, errors.New("no tool"))
	case "use":
		for range 2 {
			t.Run("Process", func(t *testing.T) {
				tally.Use(t, tally.Slapd, "slapd 1.2.3 process")
				tally.Use(t, tally.Slapd, "slapd 1.2.3 process")
			})
		}
		t.Run("Container", func(t *testing.T) { tally.Use(t, tally.Container, "slapd 1.2.3 container abc") })
	}
}

// probe runs TestProbe in another process and returns its output.
func probe(t *testing.T, what string, environment ...string) (output string, passed bool) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProbe$", "-test.v")
	command.Env = append(os.Environ(), append(environment, probeVariable+"="+what)...)
	out, err := command.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), err == nil
}

func TestUse(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	output, passed := probe(t, "use", tally.TallyVariable+"="+folder)
	if !passed {
		t.Fatalf("the probe failed:\n%s", output)
	}
	for _, line := range []string{"directory: slapd 1.2.3 process\n", "directory: slapd 1.2.3 container abc\n"} {
		if n := strings.Count(output, line); n != 1 {
			t.Errorf("%d lines %q, want 1, in:\n%s", n, line, output)
		}
	}
	got, err := tally.Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	want := []tally.Total{{tally.Slapd, 2}, {tally.Container, 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, required string
		passed         bool
		want           string
	}{
		{"Optional", "", true, "no container: no engine"},
		{"OtherRequired", "slapd", true, "no container: no engine"},
		{"Required", "slapd, container", false, "container is required by REST2LDAP_TEST_REQUIRE: no engine"},
		{"Unknown", "slapd,docker", false, `REST2LDAP_TEST_REQUIRE names "docker"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			output, passed := probe(t, "missing", tally.RequireVariable+"="+test.required)
			if passed != test.passed || !strings.Contains(output, test.want) {
				t.Errorf("passed: %t, want %t with %q in:\n%s", passed, test.passed, test.want, output)
			}
		})
	}
}

func TestUnfit(t *testing.T) {
	t.Parallel()
	if output, passed := probe(t, "unfit", tally.RequireVariable+"="); !passed || !strings.Contains(output, "no tool") {
		t.Errorf("passed: %t\n%s", passed, output)
	}
	if output, passed := probe(t, "unfit", tally.RequireVariable+"=memdir"); passed || !strings.Contains(output, "nothing is left out") {
		t.Errorf("passed: %t\n%s", passed, output)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		files map[string]string
		want  []string
		real  bool
	}{
		{"Empty", nil, []string{"tests on slapd: 0", "tests on container: 0"}, false},
		{"MemdirAlone", map[string]string{"memdir": "p\tTestA\n"}, []string{"tests on memdir: 1", "tests on slapd: 0", "tests on container: 0"}, false},
		{"SameNameInTwoPackages", map[string]string{"slapd": "p\tTestA\nq\tTestA\np\tTestA\n"}, []string{"tests on slapd: 2", "tests on container: 0"}, true},
		{"ContainerAlone", map[string]string{"container": "p\tTestA\n"}, []string{"tests on slapd: 0", "tests on container: 1"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			for name, text := range test.files {
				if err := os.WriteFile(folder+"/"+name, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			totals, err := tally.Read(folder)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, total := range totals {
				got = append(got, total.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if tally.Real(totals) != test.real {
				t.Errorf("Real is %t", !test.real)
			}
		})
	}
}
