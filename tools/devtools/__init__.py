"""What `make setup`, `make test` and `make demo` run: Python 3.9 and nothing else, as it runs before the set-up."""
