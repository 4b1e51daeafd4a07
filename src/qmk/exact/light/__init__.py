"""Modes of light, computed exactly: Gaussian states, photons in interferometers, and Fock space with a cutoff.

``setup.optics(program)`` brings a lowered program into one form; ``gaussian``, ``bosons`` and ``fock`` give what is
measured. Conventions are those of ``qmk.qvm.families.photonic``: hbar = 2, the vacuum's variance is 1.
"""
