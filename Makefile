# The commands of people working on the project. `make` alone lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

ROOT := $(shell [ "$$(id -u)" = 0 ] && echo yes)
# Root can have the lab: a test that finds none fails.
REQUIRE_LAB := $(if $(ROOT),FRRK8S_REQUIRE_LAB=1)

ifeq ($(shell command -v cargo),)
ifneq ($(MAKECMDGOALS),)
ifneq ($(MAKECMDGOALS),help)
$(error cargo is missing: install Rust (the version is in Cargo.toml), make and a C compiler)
endif
endif
endif

IMAGE ?= frrk8s:0.1.0

.PHONY: help build image check test test-pure test-frr test-cluster frr e2e-tools demo lab bench bench-frr bench-cluster soak fuzz crds cases docs lint clean

help: ## List the commands
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

build: ## Build the executable, target/release/frrk8s
	cargo build --release --package frrk8s-cli

image: ## Build the image of the agent, IMAGE (frrk8s:0.1.0); docker or podman
	hack/build-image $(IMAGE)

demo: ## Show what it does: a merge, a conflict, an explanation; with root, real FRR and a second router
	demo/run

lab: ## Leave two routers and the agent running, to play with (root)
	demo/live --stay

test: check ## Run everything that CI runs; installs what it needs
ifeq ($(ROOT),yes)
	hack/install-frr all
	hack/install-frr bird
	$(MAKE) --no-print-directory test-frr
else
	@echo 'SKIPPED: the tests against real FRR need root for their network namespaces: sudo make test' >&2
endif
	@if hack/install-cluster possible; then \
	    $(REQUIRE_LAB) $(MAKE) --no-print-directory e2e-tools test-cluster; \
	elif [[ $${FRRK8S_REQUIRE_CLUSTER:-} == 1 ]]; then \
	    exit 1; \
	else \
	    echo 'SKIPPED: the tests against a real Kubernetes API server: see the line above' >&2; \
	fi

check: lint test-pure ## The fast part of it, without root

lint: ## Formatting, lints, the rooms' dependencies
	cargo fmt --all --check
	cargo clippy --quiet --workspace --all-targets -- --deny warnings
	hack/check-dependencies

# Always the whole workspace, whichever tests are run: with a part of it, cargo would build the dependencies again for
# that part's features. Tests against a Kubernetes API server are those named cluster…; tests against FRR the others of
# e2e and testkit, and in other rooms those that are directories.
CLUSTER_TESTS := $(wildcard e2e/tests/cluster*.rs crates/*/tests/cluster*.rs)
LAB_TESTS := $(filter-out $(CLUSTER_TESTS),$(wildcard e2e/tests/*.rs crates/testkit/tests/*.rs) $(patsubst %/main.rs,%.rs,$(wildcard crates/*/tests/*/main.rs)))
PURE_TESTS := $(filter-out $(LAB_TESTS) $(CLUSTER_TESTS),$(wildcard crates/*/tests/*.rs))
named = $(sort $(foreach test,$(1),--test=$(notdir $(basename $(test)))))

test-pure: ## Tests that need nothing but Rust
	cargo test --quiet --workspace --lib --bins $(call named,$(PURE_TESTS))

test-frr: ## Tests against real FRR daemons and peers (root; after `make frr`)
	$(REQUIRE_LAB) cargo test --quiet --workspace $(call named,$(LAB_TESTS))

test-cluster: ## Tests against a real Kubernetes API server (after `make e2e-tools`; what needs FRR too needs root)
	cargo test --quiet --workspace $(call named,$(CLUSTER_TESTS))

e2e-tools: ## Build kube-apiserver, kubectl and etcd for the tests, once (Go; 5 minutes)
	hack/install-cluster

frr: ## Install FRR 8.4 and 10.3, and BIRD, for the tests
	hack/install-frr all
	hack/install-frr bird

bench: ## Print how the pure path grows with the number of objects
	cargo bench --quiet --package frrk8s-plan --bench scale

# What measures, and the executable that it measures: for the whole workspace, as above.
RELEASE := $(abspath $(or $(CARGO_TARGET_DIR),target))/release
build_examples = cargo build --quiet --release --workspace --bin frrk8s $(foreach example,$(1),--example $(example))

bench-frr bench-cluster: export PATH := $(RELEASE):$(PATH)
bench-frr: ## Print the tables of docs/performance.md: a change beside frr-reload.py, and to a second router's table (root; 2 h)
# FRRK8S_BENCH_SIZES=2x10,10x100 and FRRK8S_LATENCY_RUNS=5 make it four minutes: see the heads of the two examples.
	$(call build_examples,scrape latency against_reload)
	$(RELEASE)/examples/scrape
	$(RELEASE)/examples/latency
	$(RELEASE)/examples/against_reload

bench-cluster: ## Print the figures with the Kubernetes API as the source: latency, memory, a fleet (root; 15 min)
	$(call build_examples,cluster_figures)
	$(RELEASE)/examples/cluster_figures

soak: ## Half an hour of changes, conflicts, kills and typing on real FRR (root)
	FRRK8S_REQUIRE_LAB=1 FRRK8S_SOAK_SECONDS=$${FRRK8S_SOAK_SECONDS:-1800} cargo test --workspace --test=soak -- --nocapture

fuzz: ## Fuzz each target for FUZZ_SECONDS (60 by default); hack/fuzz does one, or one input again
	hack/fuzz manifest_to_render $${FUZZ_SECONDS:-60}
	hack/fuzz running_config $${FUZZ_SECONDS:-60}
	hack/fuzz statements $${FUZZ_SECONDS:-60}

crds: ## Write manifests/crds from the types
	UPDATE_CRDS=1 cargo test --quiet --package frrk8s-api --test manifests

cases: ## Write what is expected of the samples and cases anew
	UPDATE_CASES=1 cargo test --quiet --package frrk8s-plan --test cases

docs: ## Write docs/findings.md and docs/session-impact.md from their tables
	UPDATE_DOCS=1 cargo test --quiet --package frrk8s-model --test findings_page
	UPDATE_DOCS=1 cargo test --quiet --package frrk8s-delta --test session_impact_page

clean: ## Remove what was built
	cargo clean
