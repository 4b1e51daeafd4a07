"""One file a peer. Each has ``METHODS`` and ``sample(text, shots, method) -> counts``, from text to counts and nothing
left out; keys are cleaned afterwards, off the clock, by ``canonical(counts, text)``: cbit 0 of
the first register first.

A peer runs in an interpreter of its own (``--python PEER=PATH``): these files import only it and the standard library.
"""
