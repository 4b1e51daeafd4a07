"""Conformance kits: run them against an engine or a front-end of your own, from any repository.

``engine_kit.run(declaration, method)`` and ``frontend_kit.run(frontend, samples)`` give a report; both have a pytest
adapter. See docs/howto/write-an-engine.md.
"""
