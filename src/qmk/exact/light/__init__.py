"""Modes of light, computed exactly: Gaussian states, photons in interferometers, and Fock space with a cutoff.

``setup.optics(program)`` brings a lowered program into one form; ``gaussian``, ``bosons`` and ``fock`` give what is
measured. Conventions are those of ``qmk.qvm.families.photonic``: hbar = 2, the vacuum's variance is 1.
"""

from __future__ import annotations

from qmk.qvm.families import photonic

OPS = frozenset(op.name for op in photonic.FAMILY.ops)
QUADRATURES = frozenset({"photonic.homodyne", "photonic.heterodyne"})
NONLINEAR = frozenset({"photonic.kerr", "photonic.cross_kerr", "photonic.cubic_phase"})
GAUSSIAN = OPS - NONLINEAR - {"photonic.prepare_fock"}
LINEAR = frozenset(
    f"photonic.{short}"
    for short in (
        "prepare_vacuum", "prepare_fock", "shift_phase", "beam_splitter", "mach_zehnder", "interferometer", "lose",
        "count_photons", "detect_photons",
    )
)  # fmt: skip
