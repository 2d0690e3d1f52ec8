# Two commands: `make demo` shows a visit, `make test` proves the whole. Both install what is missing, and say so.

.PHONY: help demo test impaired bench load lint fuzz needs browser-needs clean

# What Debian 12 lacks for the build (BoringSSL wants cmake and a C++ compiler, its bindings libclang), and for the browser tests.
BUILD_PACKAGES := g++ cmake clang libclang-dev
BROWSER_PACKAGES := chromium firefox-esr

SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

help:
	@echo "make demo    build the release server and open a visit to try on https://localhost:8443"
	@echo "make test    every test: units, simulations, bots, real browsers"
	@echo "make impaired  what real browsers see on bad paths, as a table and a plot (some eight minutes, on a quiet machine)"
	@echo "make bench   what one packet costs, and one person's requests"
	@echo "make load    a whole server under load, beside the bare loop (a minute, on a quiet machine)"
	@echo "make lint    rustfmt and clippy, silent when all is well"
	@echo "make fuzz    each fuzz target for a minute"

# $(call install,PACKAGES): installs those that are not there.
define install
	@missing=""; for package in $(1); do \
		dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q '^install ok installed' || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
		echo "make: installing from Debian:$$missing"; \
		$(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
endef

needs:
	@command -v cargo >/dev/null || { echo "make: Rust is missing: see https://rustup.rs (README, Before you start)"; exit 1; }
	$(call install,$(BUILD_PACKAGES))

browser-needs: needs
	@command -v node >/dev/null && command -v npm >/dev/null || { echo "make: node and npm are missing (README, Before you start)"; exit 1; }
	$(call install,$(BROWSER_PACKAGES))
	@echo "make: npm ci in tests/browser (playwright-core, axe and ws, into tests/browser/node_modules)"
	@cd tests/browser && npm ci --no-audit --no-fund --loglevel=error

demo: needs
	@echo "make: building the release server (the first time takes some minutes)"
	cargo build --release --locked
	target/release/quartet demo

test: browser-needs
	@echo "make: cargo test (units, properties, simulations, bots)"
	cargo test --locked
	@echo "make: building the release server for the browser tests"
	cargo build --release --locked
	@echo "make: real browsers"
	cd tests/browser && npm test

impaired: browser-needs
	cargo build --release --locked
	cargo build --locked --example forwarder
	cd tests/browser && npm run impaired

bench: needs
	cargo bench --locked --bench packet
	cargo bench --locked --bench control

load: needs
	cargo bench --locked --bench load -- --visits 40 --seconds 20

lint: needs
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings

# gcc's objects of BoringSSL register one table twice with LLVM's sanitizer, which takes that for two of one name.
fuzz: export RUSTC_BOOTSTRAP := 1
fuzz: export ASAN_OPTIONS := detect_odr_violation=0
fuzz: needs
	@command -v cargo-fuzz >/dev/null || { echo "make: cargo install cargo-fuzz"; cargo install --locked cargo-fuzz; }
	for target in $$(cargo fuzz list); do \
		mkdir -p fuzz/corpus/$$target; \
		cargo fuzz run $$target fuzz/corpus/$$target fuzz/seeds/$$target -- -max_total_time=60 -rss_limit_mb=2048 || exit 1; \
	done

clean:
	cargo clean
