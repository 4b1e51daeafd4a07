"""The Python face of QMK: run, sample, values of a state, sweeps, estimates."""
