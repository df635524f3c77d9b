"""What `make setup`, `make test` and `make demo` run. Python 3.9 and the standard library: it works before anything is set up."""
