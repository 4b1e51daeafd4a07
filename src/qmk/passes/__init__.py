"""Rewrites of graphs, one a file, found by name and imported by nobody; ``sdk.kit.pass_kit`` proves them."""

SHARED = frozenset({"native_passes"})
"""Modules here that are not a pass; all others are found (``sdk.discovery``)."""
