"""Timings of QMK on one machine, each beside its target and, where there is one, a peer measured in the same run.

``python -m benchmarks.spine``     calls over the socket, verification, cold start of the command
``python -m benchmarks.circuits``  ``qmk run`` on every circuit of a folder, counts checked against another engine
"""
