"""Rewrites of graphs, one a file, found by entry point and imported by nobody; ``sdk.kit.pass_kit`` proves them."""
