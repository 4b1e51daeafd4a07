"""Written forms of the bytecode: assembly, JSON, binary. User mode: the kernel verifies whatever they give."""
