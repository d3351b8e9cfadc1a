#!/bin/sh
# Measures the gateway beside its controls; see bench/doc.go. Arguments are flags of
# the program: bench/run.sh -rounds 3 -entries 100000
set -eu
cd "$(dirname "$0")/.."
if ! command -v slapd >/dev/null 2>&1 && [ ! -x /usr/sbin/slapd ]; then
	echo "bench: no slapd on this machine; run 'make test' first, or install the package slapd" >&2
	exit 1
fi
go build -o bench/out/bench ./bench
exec bench/out/bench "$@"
