# Two commands matter: `make demo` and `make test`. Both do all their set-up themselves.
SHELL := /bin/bash
.DEFAULT_GOAL := help
FHIR := target/fhir
export CARGO_TERM_COLOR ?= auto

.PHONY: help
help: ## What one can make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: setup
setup: ## Check the tools and fetch the real FHIR records of demo and tests
	@scripts/setup.sh
	@scripts/fetch-fhir.sh $(FHIR)

.PHONY: demo
demo: setup ## Build, start four validators and act out the whole story (KEEP=1 keeps the network up)
	cargo build --release --locked --bin yilian
	target/release/yilian demo --inputs $(FHIR) $(if $(KEEP),--keep) $(if $(REPORT),--report $(REPORT))

.PHONY: test
test: setup interop ## All tests
	cargo test --workspace --locked
	@echo "All tests passed."

.PHONY: check
check: ## Format and lints, exactly what CI runs
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: interop
interop: ## Recompute the test vectors with independent implementations
	@scripts/interop.sh

.PHONY: load
load: ## Latency, throughput and memory of four local validators
	cargo build --release --locked --bin yilian
	target/release/yilian measure $(if $(REPORT),--report $(REPORT))

.PHONY: simulate
simulate: ## Whole networks in simulated time, with crashes, torn disks and traitors (SEEDS=n, FIRST=seed)
	cargo run --release --locked --bin simulate -- --seeds $(or $(SEEDS),20) --first $(or $(FIRST),0)

.PHONY: audit
audit: ## Licences and advisories (needs cargo-deny)
	cargo deny --locked check
