"""The compiler: orders passes (``sdk.passes.Step``) for a target, runs them, and reports what they gained.

``lowering`` takes graphs to circuits of the native core and back, ``order`` finds the order of the passes, ``score``
says which of two results is better, ``target`` reads the name of a target, ``run`` does it all.
"""
