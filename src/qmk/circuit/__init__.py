"""Programs that are written in Python: ``Circuit`` builds a graph of the bytecode; and circuits drawn as text."""
