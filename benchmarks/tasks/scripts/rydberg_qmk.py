import qmk
from qmk.models.atoms import independent, to_graph

n, low, high, ramp, total = 9, -30.0, 40.0, 0.3, 4.0  # rad/us and us
sweep = independent.sweep([(6.1 * k, 0) for k in range(n)], detuning=(low, high), duration=total, ramp=ramp)
for detuning in (0, 10, 20, 30, 40):
    time = ramp + (detuning - low) / (high - low) * (total - 2 * ramp)
    program = to_graph(independent.stop_at(sweep, time), "chain", "levels")
    z = qmk.expectation(program, [f"Z{k}" for k in range(n)])
    print(detuning, [round((1 - float(x)) / 2, 4) for x in z])
