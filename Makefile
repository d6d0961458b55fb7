# Two commands to learn: `make demo` and `make test`. Each sets up what it needs by itself.
SECONDS ?=
SOURCE ?=

.PHONY: demo test vm soak faults fuzz bench docs clean

demo: ## the main job, live: a broker, a small centre and a node with two cameras
	@image/desk-setup.sh demo
	@.venv/bin/edge demo $(if $(SOURCE),--source '$(SOURCE)') $(if $(SECONDS),--seconds $(SECONDS))

test: ## everything that must hold, in one pytest run
	@image/desk-setup.sh test
	.venv/bin/python -m pytest -n 4 --dist loadgroup

vm: ## USB cameras against a real kernel, in a virtual machine
	@image/desk-setup.sh vm
	.venv/bin/python -m pytest tests/vm

soak: ## long fault runs, and every fault and unit test in full
	@image/desk-setup.sh test
	EDGE_TESTS_FULL=1 .venv/bin/python -m pytest tests/soak tests/fault tests/unit --timeout 7200

faults: ## every fault of the link, and a table of what it took
	@image/desk-setup.sh test
	.venv/bin/python -m pytest tests/soak/test_link_faults.py -s --timeout 1200

fuzz: ## coverage-guided fuzzing of every reader of foreign bytes; SECONDS for each target
	@image/desk-setup.sh test
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[fuzz]"
	.venv/bin/python -m tests.fuzz.run $(if $(SECONDS),--seconds $(SECONDS))

bench: ## costs as ratios inside one run
	@image/desk-setup.sh test
	for script in bench/*.py; do .venv/bin/python $$script || exit 1; done

docs: ## regenerate the reference pages
	@image/desk-setup.sh test
	.venv/bin/python docs/generate.py

clean:
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
