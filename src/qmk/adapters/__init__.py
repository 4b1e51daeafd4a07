"""Readers and writers of other frameworks' objects, one package each; ``sdk.adapter`` says what they are."""

SHARED = frozenset({"results", "sympy_angles"})
"""Modules here that are not an adapter; all others are found (``sdk.discovery``)."""
