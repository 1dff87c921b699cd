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
test: setup interop ## All tests, and a minute of fuzzing
	cargo test --workspace --locked
	cd fuzz && cargo run --quiet -- all
	@echo "All tests passed."

.PHONY: check
check: ## Format and lints, exactly what CI runs
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: interop
interop: ## Recompute the test vectors with independent implementations, fetch 300 MB with an independent IPFS client
	@scripts/interop.sh

.PHONY: load
load: ## Latency, throughput and memory of four local validators
	cargo build --release --locked --bin yilian
	target/release/yilian measure $(if $(REPORT),--report $(REPORT))

.PHONY: bench
bench: ## Speed beside mcl and arkworks, of content, ledger and light client, and under load
	@scripts/bench.sh

.PHONY: fuzz
fuzz: ## Every fuzz target for SECONDS (60) each, or one: TARGET=name (Ctrl-C ends it)
	cd fuzz && cargo run --quiet -- $(if $(TARGET),run $(TARGET) $(FLAGS),all $(or $(SECONDS),60))

.PHONY: fuzz-repeat
fuzz-repeat: ## A find again: TARGET=name FILE=path
	cd fuzz && cargo run --quiet -- repeat $(TARGET) $(FILE)

.PHONY: fuzz-minimize
fuzz-minimize: ## Keep in fuzz/corpus what adds coverage
	cd fuzz && cargo run --quiet -- minimize

.PHONY: locks
locks: ## Bring the lock files of bench and fuzz to the workspace's versions (needs the network)
	@scripts/locks.sh

.PHONY: faults
faults: ## Real failures under load: kill -9, SIGSTOP, cut wires, a full disk, changed bytes; then every write is found again
	cargo build --release --locked --bin yilian
	@if unshare --mount true 2>/dev/null; then \
		unshare --mount target/release/yilian rehearse --small-disk $(if $(REPORT),--report $(REPORT)); \
	else \
		echo "No right to mount here: the full disk is left out."; \
		target/release/yilian rehearse $(if $(REPORT),--report $(REPORT)); \
	fi

.PHONY: wasm
wasm: ## Check that the pure crates compile to WebAssembly (needs rustup's target and clang)
	CC_wasm32_unknown_unknown=clang AR_wasm32_unknown_unknown=llvm-ar RUSTFLAGS='--cfg getrandom_backend="wasm_js"' \
	cargo check --locked --target wasm32-unknown-unknown $(addprefix -p yilian-,crypto delegation dag ledger finality api client)

.PHONY: simulate
simulate: ## Whole networks in simulated time, with crashes, torn disks and traitors (SEEDS=n, FIRST=seed)
	cargo run --release --locked --bin simulate -- --seeds $(or $(SEEDS),20) --first $(or $(FIRST),0)

.PHONY: audit
audit: ## Licences and advisories (needs cargo-deny)
	cargo deny --locked check
