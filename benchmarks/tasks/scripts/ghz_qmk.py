import qmk
from qmk.models.noise import Depolarize, GateRule

n, shots = 20, 2000
ghz = qmk.Circuit(n).h(0).cx(range(n - 1), range(1, n)).measure_all()
noise = qmk.NoiseModel(gates=(GateRule((Depolarize(0.01, each=True),)),))
counts = qmk.sample(ghz, shots=shots, seed=7, noise=noise).counts
print((counts["0" * n] + counts["1" * n]) / shots)
