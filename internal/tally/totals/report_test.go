package main

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReport(t *testing.T) {
	const input = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"directory: memdir\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: fine\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:2: soak: 10 steps\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:1: bad\n"}
{"Action":"fail","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Test":"TestC","Output":"    c_test.go:1: no engine\n"}
{"Action":"skip","Package":"p","Test":"TestC"}
{"Action":"output","Package":"p","Test":"TestD","Output":"panic: torn\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
not JSON
{"Action":"output","Package":"q","Output":"PASS\n"}
{"Action":"output","Package":"q","Output":"ok  \tq\t0.1s\n"}
{"Action":"pass","Package":"q"}
{"ImportPath":"r","Action":"build-output","Output":"r.go:1: syntax error\n"}
last`
	const want = "directory: memdir\nTestA: 10 steps\n    b_test.go:1: bad\nFAIL\tp\t0.1s\npanic: torn\nnot JSON\nok  \tq\t0.1s\nr.go:1: syntax error\nlast\n"
	for _, size := range []int{1, 7, len(input)} {
		var out bytes.Buffer
		r := newReport(&out, "soak: ")
		for rest := []byte(input); len(rest) > 0; rest = rest[min(size, len(rest)):] {
			if n, err := r.Write(rest[:min(size, len(rest))]); err != nil || n != min(size, len(rest)) {
				t.Fatal(n, err)
			}
		}
		r.close()
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("by %d octets (-want +got):\n%s", size, diff)
		}
		if diff := cmp.Diff([]string{"TestA"}, r.passed); diff != "" {
			t.Error(diff)
		}
	}
}
