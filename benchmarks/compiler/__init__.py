"""The compiler on coupling maps beside Qiskit and pytket: circuits, workers and tables."""
