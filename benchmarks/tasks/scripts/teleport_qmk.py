import qmk

theta, phi = 1.2, 0.7
c = qmk.Circuit(3).ry(theta, 0).rz(phi, 0).h(1).cx(1, 2).cx(0, 1).h(0)
c.measure(0, "phase").measure(1, "parity")
with c.if_("parity"):
    c.x(2)
with c.if_("phase"):
    c.z(2)
c.rz(-phi, 2).ry(-theta, 2).measure(2, "out")
print(qmk.sample(c, shots=1000, seed=7).counts.marginal("out"))
