"""QVM, the bytecode: ops, graph model, canonical form, text and binary forms, verifier and analyses."""
