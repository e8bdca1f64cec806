"""What people see in a browser, opened in one: `make test-browser`."""
