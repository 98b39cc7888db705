# `make demo` and `make test` are all that a newcomer needs: each sets up whatever is missing first.
# PYTHON=python3.12 chooses the interpreter (default python3). What the targets do is in tools/.
.PHONY: build test-cpp format clean
.DEFAULT_GOAL := build

build:
	@tools/build.sh

test-cpp:
	@tools/test_cpp.sh plain

format:
	@tools/format.sh --fix

clean:
	rm -rf build dist .venv *.egg-info src/*.egg-info
	rm -f src/gevent/_native/*.so src/gevent/_native/*.dylib
	find . -name __pycache__ -prune -exec rm -rf {} +
