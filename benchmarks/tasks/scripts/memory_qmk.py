from qmk.models.qec import codes, memories

surface = codes.parse("surface(d=5)")
memory = memories.measure_memory(surface, "circuit=5e-3", shots=100_000, seed=7, rounds=5, bases="Z")
print(memory.bases["Z"].per_shot)
