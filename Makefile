# Everything that a developer types. Each target is one line; the work is in tools/ and lab/.
.DEFAULT_GOAL := help
.PHONY: help setup lab demo test lint clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make .build: ansible-core (newest and oldest), the tools, the lab's command
	@tools/setup

lab: setup ## start the lab and say what runs
	@.build/venv/bin/lab up && .build/venv/bin/lab status

demo: ## start the lab, stop a consumer, let the scenario find and mend it
	@tools/demo

test: ## test everything (one phase: tools/test PHASE, list: tools/test --list)
	@tools/test

lint: ## only the linters
	@tools/test lint

clean: ## remove the lab and everything that was built in this checkout
	@tools/clean
