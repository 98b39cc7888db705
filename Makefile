# `make demo` and `make test` are all that a newcomer needs: each sets up whatever is missing first.
#
# PYTHON=python3.12 chooses the interpreter (default python3), ARGS="..." goes to the program behind demo, test and bench.
# Exit status 2 of a script under tools/: something to install, which its last line names.
.PHONY: build demo test test-cpp test-all soak cross check format docs fuzz bench wheel flavour clean
.DEFAULT_GOAL := build

build:
	@tools/build.sh

demo: build
	@.venv/bin/python examples/demo.py $(ARGS)

test: build
	@tools/system.sh test
	@.venv/bin/python tools/test.py $(ARGS)

test-cpp:
	@tools/test_cpp.sh plain $(ARGS)

# `test` on each Python from 3.10 to 3.14 that is found, and wheels, sdists and editable installs.
# ARGS="3.12 python": these versions, these parts.
test-all: build
	@tools/system.sh test
	@.venv/bin/python tools/test_all.py $(ARGS)

# Ten minutes of messages between processes that are stopped and killed, all counted. ARGS="--seconds 60 --seed 7".
soak: build
	@.venv/bin/python tests/soak/soak.py $(ARGS)

# Does everything compile for Darwin and ARM64? ARGS="aarch64-macos": only there. ARGS=run: and do the tests pass on
# ARM64, under qemu? Many minutes the first time; needs a network then.
cross: build
	@tools/cross.sh $(ARGS)

# Formatters, linters, the rules of the house, and whether the core compiles and links for other systems; fails where the
# compiler for those cannot be had.
check: build
	@tools/format.sh --check
	@tools/system.sh check || [ $$? = 2 ]  # 2: it cannot be had here, as it has said
	@.venv/bin/python tools/clang_tidy.py
	@.venv/bin/python -m pytest -q -ra tests/tidy
	@tools/cross.sh

format: build
	@tools/format.sh --fix

# The pages for users, into build/docs.
docs: build
	@tools/docs.sh

# Random bytes for what reads HTTP, in C++ and in Python. SECONDS=600 make fuzz: for so long each.
fuzz: build
	@tools/fuzz.sh $(or $(SECONDS),300)
	@.venv/bin/python tests/fuzz/http_fuzz.py $(or $(SECONDS),300)

bench: build
	@.venv/bin/python benchmarks/compare.py $(ARGS)

# A wheel for this interpreter and this machine, into dist/. One that runs elsewhere too: tools/wheel.sh.
wheel: build
	@rm -rf build/lib.* build/bdist.* dist/gevent_mp-*.whl && mkdir -p dist
	@PATH=$(CURDIR)/.venv/bin:$$PATH .venv/bin/python -m pip -q --disable-pip-version-check wheel --no-deps --no-build-isolation -w dist .
	@ls dist/gevent_mp-*.whl

# The same as a distribution that is itself named gevent, for private indexes.
flavour: wheel
	@.venv/bin/python tools/flavour.py dist/gevent_mp-*.whl

clean:
	rm -rf build dist .venv *.egg-info src/*.egg-info
	rm -f src/gevent/_native/*.so src/gevent/_native/*.dylib
	find . -name __pycache__ -prune -exec rm -rf {} +
