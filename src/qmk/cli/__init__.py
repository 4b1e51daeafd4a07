"""The command line. Each file is one command, which is found by its name and imported only when it runs."""
