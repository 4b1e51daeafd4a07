"""QMK inside Qiskit: a provider with backends, and the primitives."""

from qmk.integrations.qiskit.backend import Backend, Provider
from qmk.integrations.qiskit.estimator import EstimatorV2
from qmk.integrations.qiskit.job import Job
from qmk.integrations.qiskit.sampler import SamplerV2
from qmk.integrations.qiskit.session import Session

__all__ = ["Backend", "EstimatorV2", "Job", "Provider", "SamplerV2", "Session"]
