"""Neighbouring gates cancel, join into one, or are written shorter (CX-P-CX as a controlled phase)."""

from qmk.passes.native_passes import native_pass

PASS = native_pass("peephole", "cancel, join and resynthesize neighbouring gates", ("peephole",))
