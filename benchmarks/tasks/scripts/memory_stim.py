import pymatching
import stim

p, shots = 5e-3, 100_000
circuit = stim.Circuit.generated(
    "surface_code:rotated_memory_z",
    distance=5,
    rounds=5,
    after_clifford_depolarization=p,
    before_round_data_depolarization=p,
    before_measure_flip_probability=p,
    after_reset_flip_probability=p,
)
events, flips = circuit.compile_detector_sampler(seed=7).sample(shots, separate_observables=True)
matching = pymatching.Matching.from_detector_error_model(circuit.detector_error_model(decompose_errors=True))
print(float((matching.decode_batch(events) != flips).any(axis=1).mean()))
