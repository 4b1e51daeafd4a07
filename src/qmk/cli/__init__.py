"""The command line: one command a file, found by name and imported only when it runs."""
