"""Conformance kits: run them against an engine, a front-end or a pass of your own, from any repository.

``engine_kit.run(declaration, method)``, ``frontend_kit.run(frontend, samples)`` and ``pass_kit.run(thing)`` give a
report; each has a pytest adapter. See docs/howto/write-an-engine.md and docs/howto/rewrite.md.
"""
