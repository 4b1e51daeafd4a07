"""QMK against the simulators that a user could have picked: OpenQASM text in, counts of verified shots out."""
