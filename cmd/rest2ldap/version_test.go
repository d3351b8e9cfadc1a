package main

import (
	"runtime/debug"
	"testing"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	for want, info := range map[string]*debug.BuildInfo{
		"(devel)": {},
		"v1.2.3":  {Main: debug.Module{Version: "v1.2.3"}},
		"v1.2.3 commit 0123abcd": {
			Main:     debug.Module{Version: "v1.2.3"},
			Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123abcd"}, {Key: "vcs.modified", Value: "false"}},
		},
		"(devel) commit 0123abcd with changes": {
			Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123abcd"}, {Key: "vcs.modified", Value: "true"}},
		},
	} {
		if got := version(info); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
