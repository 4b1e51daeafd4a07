import qmk

bell = qmk.Circuit(2).h(0).cx(0, 1).measure_all()
print(qmk.sample(bell, shots=1000, seed=7).counts)
