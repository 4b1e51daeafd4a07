"""Rewrites of graphs, one a file, found by entry point and imported by nobody; each is proved by ``sdk.kit.pass_kit``."""
