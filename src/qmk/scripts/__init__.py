"""User Python in a sandbox: CPython compiled to WebAssembly, with two imports from the host, ``run`` and ``log``."""
