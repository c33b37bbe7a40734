# Two commands do all on a fresh machine: `make demo` and `make test`. Both set up first.
PYTHON ?= python3.11
VENV := .venv
RUN := $(VENV)/bin/python
OUT ?= demo_output
VIDEO ?=
RIG ?=
# On few cores torch's spinning threads slow everything else down.
export OMP_WAIT_POLICY ?= passive

.PHONY: setup demo test test-blender test-window extension bench lint clean system

setup: $(VENV)/.all

demo: $(VENV)/.demo
	$(RUN) scenes/demo/demo.py --out "$(OUT)" $(if $(VIDEO),--video "$(VIDEO)") $(if $(RIG),--rig "$(RIG)")

test: $(VENV)/.all lint test-blender
	$(RUN) -m pytest -q -n 2 --dist loadfile

# The extension, tested in each version of Blender with nothing else of ours installed.
test-blender: extension
	$(RUN) tests/blender_addon/in_each_blender.py dist/graphics_ml-*.zip $(PYTEST)

# A window that is worked with the mouse and keys, in Debian's own Blender; its pictures are for looking at.
test-window: $(VENV)/.all extension
	GRAPHICS_ML_EXTENSION="$$(ls $(CURDIR)/dist/graphics_ml-*.zip)" GRAPHICS_ML_WORKER_PYTHON=$(CURDIR)/$(RUN) \
	    $(RUN) -m pytest -q -x -s -c tests/window/pytest.ini tests/window

extension: $(VENV)/.demo
	rm -f dist/graphics_ml-*.zip
	$(RUN) blender_addon/build_extension.py --out dist

bench: $(VENV)/.all
	$(VENV)/bin/pip install -q -c constraints.txt --group bench
	$(RUN) -m tests.benchmarks

lint: $(VENV)/.all
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports

system:
	@$(PYTHON) graphics_ml/doctor.py --system

$(VENV)/.base: constraints.txt | system
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info[:2] != (3, 11))" || { echo "Python 3.11 is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV) || { echo "python3-venv is missing: apt-get install python3-venv"; exit 1; }
	$(VENV)/bin/pip install -q --disable-pip-version-check -c constraints.txt pip setuptools wheel
	touch $@

# The demo needs no torch: its own stamp keeps the first run short.
$(VENV)/.demo: $(VENV)/.base pyproject.toml constraints.txt | system
	$(VENV)/bin/pip install -q -c constraints.txt -e '.[blender,pose]'
	touch $@

$(VENV)/.all: $(VENV)/.demo
	$(VENV)/bin/pip install -q -c constraints.txt -e '.[all]'
	$(VENV)/bin/pip install -q -c constraints.txt --group dev
	touch $@

clean:
	rm -rf $(VENV) .bpy dist demo_output
