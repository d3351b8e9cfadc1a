# What one does with this project. `make` alone explains it.

.DEFAULT_GOAL := help
SHELL := /bin/bash

# Per fuzz target.
FUZZTIME ?= 10s

# Tests wait more than they compute: for servers to start, for answers that do not come.
parallel = $$((2 * $$(getconf _NPROCESSORS_ONLN)))

# provision.sh says what OpenLDAP there is, and prints "-race" where the race
# detector can run. Package totals adds the number of tests on each directory.
go_test = race=$$(sh integration/provision.sh) && go run ./internal/tally/totals go test $$race -count 1 -parallel $(parallel)

# With the race detector each program sleeps for a second at its end, and there are some
# hundreds of them.
export GORACE ?= atexit_sleep_ms=10

.PHONY: help demo build test full soak bench fuzz lint fmt tidy-check image clean

help: ## Show this help
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: ## Run the gateway in front of an example directory in memory; ARGS="--entries 5000"
	@$(MAKE) -s --no-print-directory build
	@exec bin/rest2ldap demo $(ARGS)

build: ## Build bin/rest2ldap, one static binary
	CGO_ENABLED=0 go build -trimpath -o bin/rest2ldap ./cmd/rest2ldap

test: ## Run every test on a real OpenLDAP, with the race detector (7 minutes on 2 cores)
	@$(go_test) -timeout 25m ./...

soak: ## Run the long forms of the tests: more data, more rounds (up to hours)
	@export REST2LDAP_TEST_SOAK=1; $(go_test) -timeout 6h ./...

full: ## Run the comparison of memdir with slapd and the paging test in their full size, with seeds and counts
	@export REST2LDAP_TEST_SOAK=1; $(go_test) -timeout 20m -run '^(TestSameAnswers|TestWalks)$$' ./internal/differential ./integration

bench: ## Measure each row beside its control; also writes bench/out/bench.json
	@./bench/run.sh

# The go command would spend up to a minute on making each new input smaller.
fuzz: ## Run each fuzz target for FUZZTIME (10s)
	@set -euo pipefail; \
	grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | \
	sed -E 's|^(.*)/[^/]*:func (.*)|\1 \2|' | sort | \
	while read -r package target; do \
		echo "fuzz: $$package $$target"; \
		integration/fuzz.sh "$$package" "$$target" $(FUZZTIME); \
	done

lint: ## Run golangci-lint; the first time builds it, in a minute or two
	go tool -modfile=tools/go.mod golangci-lint run

fmt: ## Format the code
	go tool -modfile=tools/go.mod golangci-lint fmt

tidy-check: ## Fail when go.mod and go.sum are not as tidy as "go mod tidy" makes them
	go mod tidy -diff
	go -C tools mod tidy -diff

image: ## Build the images of the tests, OpenLDAP and 389 Directory Server, where they are missing
	@sh integration/openldap/image.sh
	@sh integration/openldap/image.sh ds389 "$(CURDIR)/integration/ds389"

clean: ## Remove what was built and measured
	rm -rf bin bench/out
