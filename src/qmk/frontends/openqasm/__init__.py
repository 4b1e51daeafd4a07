"""What the OpenQASM 2 and OpenQASM 3 front-ends share: sources, tokens, syntax tree, and the lowering to a graph.

The path of a program: ``sources`` (files and places) -> ``tokens`` -> ``parser`` or ``parser2`` -> ``tree`` ->
``interpreter`` (runs the classical part now, unrolls, inlines, and hands the quantum part to) -> ``builder`` -> graph.
"""
