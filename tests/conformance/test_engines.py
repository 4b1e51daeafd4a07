"""The conformance kit on every shipped engine and method.

Each engine's run fails by chance with probability at most 1e-7 (``engine_kit.FALSE_FAILURE``).
"""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import qmk_native

import qmk
from qmk.engines import (
    aer,
    braket,
    cirq,
    ddsim,
    jax,
    lightning,
    native,
    pennylane,
    pyquil,
    qoqo,
    qsim,
    quimb,
    qulacs,
    qutip,
    reference,
    rydberg,
    segments,
    stabilizer,
    tenpy,
)
from qmk.sdk import discovery
from qmk.sdk.kit import engine_kit
from qmk.sdk.kit.engine_kit import as_tests, checks
from qmk.sdk.kit.programs import Case
from qmk.sdk.kit.report import Check

SLOW_CASES = {"gate t mx"}


def in_reach(case: Case) -> bool:
    """The extended stabilizer takes tens of milliseconds a shot beyond Clifford programs."""
    return case.clifford or case.name in SLOW_CASES


@as_tests(checks(reference.DECLARATION))
def test_reference(check: Check) -> None:
    assert not check.run()


@as_tests(checks(stabilizer.DECLARATION, programs=40))
def test_stabilizer(check: Check) -> None:
    assert not check.run()


@as_tests(checks(aer.DECLARATION, "statevector"))
def test_aer_statevector(check: Check) -> None:
    assert not check.run()


@as_tests(checks(aer.DECLARATION, "density_matrix", programs=4))
def test_aer_density_matrix(check: Check) -> None:
    assert not check.run()


@as_tests(checks(aer.DECLARATION, "matrix_product_state", programs=6))
def test_aer_matrix_product_state(check: Check) -> None:
    assert not check.run()


@as_tests(checks(aer.DECLARATION, "small_bond", programs=4))
def test_aer_small_bond(check: Check) -> None:
    assert not check.run()


@as_tests(checks(aer.DECLARATION, "extended_stabilizer", shots=60, programs=3, select=in_reach))
def test_aer_extended_stabilizer(check: Check) -> None:
    assert not check.run()


@pytest.mark.conformance
@as_tests(
    checks(
        aer.DECLARATION,
        "extended_stabilizer",
        shots=60,
        programs=0,
        select=lambda case: case.name == "two correlated pairs",
    )
)
def test_aer_extended_stabilizer_beyond_what_is_quick(check: Check) -> None:
    assert not check.run()


@as_tests(checks(braket.DECLARATION, "statevector", programs=3))
def test_braket_statevector(check: Check) -> None:
    assert not check.run()


@as_tests(checks(braket.DECLARATION, "density_matrix", programs=2))
def test_braket_density_matrix(check: Check) -> None:
    assert not check.run()


@as_tests(checks(cirq.DECLARATION, "statevector", programs=4))
def test_cirq_statevector(check: Check) -> None:
    assert not check.run()


@as_tests(checks(cirq.DECLARATION, "density_matrix", programs=4))
def test_cirq_density_matrix(check: Check) -> None:
    assert not check.run()


@as_tests(checks(native.DECLARATION, "auto"))
def test_native_auto(check: Check) -> None:
    assert not check.run()


@as_tests(checks(native.DECLARATION, "frame"))
def test_native_frame(check: Check) -> None:
    assert not check.run()


@as_tests(checks(native.DECLARATION, "tableau"))
def test_native_tableau(check: Check) -> None:
    assert not check.run()


@as_tests(checks(native.DECLARATION, "dense"))
def test_native_dense(check: Check) -> None:
    assert not check.run()


@as_tests(checks(native.DECLARATION, "dense64"))
def test_native_dense64(check: Check) -> None:
    assert not check.run()


@as_tests(checks(native.DECLARATION, "mps"))
def test_native_mps(check: Check) -> None:
    assert not check.run()


@as_tests(checks(native.DECLARATION, "cut"))
def test_native_cut(check: Check) -> None:
    assert not check.run()


@as_tests(checks(native.DECLARATION, "pauli"))
def test_native_pauli(check: Check) -> None:
    assert not check.run()


@as_tests(checks(jax.DECLARATION, programs=8))
def test_jax(check: Check) -> None:
    assert not check.run()


@as_tests(checks(qsim.DECLARATION))
def test_qsim(check: Check) -> None:
    assert not check.run()


@as_tests(checks(qulacs.DECLARATION))
def test_qulacs(check: Check) -> None:
    assert not check.run()


@as_tests(checks(lightning.DECLARATION, "f32"))
def test_lightning_f32(check: Check) -> None:
    assert not check.run()


@as_tests(checks(lightning.DECLARATION, "f64"))
def test_lightning_f64(check: Check) -> None:
    assert not check.run()


@as_tests(checks(ddsim.DECLARATION))
def test_ddsim(check: Check) -> None:
    assert not check.run()


@as_tests(checks(pennylane.DECLARATION, programs=4))
def test_pennylane(check: Check) -> None:
    assert not check.run()


@as_tests(checks(quimb.DECLARATION, "mps", programs=6))
def test_quimb_mps(check: Check) -> None:
    assert not check.run()


@as_tests(checks(quimb.DECLARATION, "contract", programs=4))
def test_quimb_contract(check: Check) -> None:
    assert not check.run()


@as_tests(checks(pyquil.DECLARATION, "wavefunction", programs=6))
def test_pyquil_wavefunction(check: Check) -> None:
    assert not check.run()


@as_tests(checks(pyquil.DECLARATION, "density", programs=3))
def test_pyquil_density(check: Check) -> None:
    assert not check.run()


@as_tests(checks(qoqo.DECLARATION))
def test_qoqo(check: Check) -> None:
    assert not check.run()


@as_tests(checks(segments.DECLARATION, programs=8))
def test_segments(check: Check) -> None:
    assert not check.run()


@as_tests(checks(segments.DECLARATION, "tableau", programs=8))
def test_segments_tableau(check: Check) -> None:
    assert not check.run()


@as_tests(checks(segments.DECLARATION, "vector", programs=8))
def test_segments_vector(check: Check) -> None:
    assert not check.run()


@as_tests(checks(segments.DECLARATION, "chain", programs=8))
def test_segments_chain(check: Check) -> None:
    assert not check.run()


@as_tests(checks(qutip.DECLARATION, "sesolve"))
def test_qutip_sesolve(check: Check) -> None:
    assert not check.run()


@as_tests(checks(qutip.DECLARATION, "mesolve"))
def test_qutip_mesolve(check: Check) -> None:
    assert not check.run()


@as_tests(checks(qutip.DECLARATION, "mcsolve", shots=1000))
def test_qutip_mcsolve(check: Check) -> None:
    assert not check.run()


@as_tests(checks(qutip.DECLARATION, "piqs"))
def test_qutip_piqs(check: Check) -> None:
    assert not check.run()


@as_tests(checks(rydberg.DECLARATION))
def test_rydberg(check: Check) -> None:
    assert not check.run()


@as_tests(checks(rydberg.DECLARATION, "mixed", programs=4))
def test_rydberg_mixed(check: Check) -> None:
    assert not check.run()


@as_tests(checks(rydberg.DECLARATION, "subspace"))
def test_rydberg_subspace(check: Check) -> None:
    assert not check.run()


@as_tests(checks(tenpy.DECLARATION, "tdvp"))
def test_tenpy_tdvp(check: Check) -> None:
    assert not check.run()


@as_tests(checks(tenpy.DECLARATION, "fine"))
def test_tenpy_fine(check: Check) -> None:
    assert not check.run()


KIT_APART = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from other_environment import take
take("qmk_native", Path(sys.argv[2]))
take("qmk", Path(sys.argv[1]).parent)
from qmk.sdk import discovery
from qmk.sdk.kit import engine_kit
declaration = discovery.engine(sys.argv[3])
reports = [engine_kit.run(declaration, method) for method in declaration.methods]
for report in reports:
    print(report.text())
sys.exit(not all(report.ok for report in reports))
"""


@pytest.mark.timeout(1200)  # Strawberry Fields takes a minute alone, and five on a machine that does much else
@pytest.mark.parametrize("name", ["clifft", "piquasso", "strawberryfields"])
def test_engines_with_an_environment_and_what_to_do_where_there_is_none(name: str) -> None:
    """The whole kit in one process under the Python of that environment: ``tools/setup.sh tests`` makes clifft's where
    Python 3.12 exists, ``qmk engines install`` the others. Elsewhere the engine must say what it needs, and a
    warning in the summary says that the kit was not run."""
    state = discovery.available(discovery.engine(name))
    if not state.ok:
        assert name in state.missing
        assert "install" in state.hint
        warnings.warn(f"{name} is not installed here and its conformance was not tested: {state.hint}", stacklevel=1)
        return
    worker = str(Path(qmk.__file__).parent / "worker")
    ran = subprocess.run(
        [state.python or sys.executable, "-P", "-c", KIT_APART, worker, str(Path(qmk_native.__file__).parent), name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "0 failed" in ran.stdout


@pytest.mark.parametrize(
    "declaration",
    discovery.engines().values(),
    ids=lambda declaration: declaration.name,
)
def test_every_method_declares_itself(declaration: engine_kit.Declaration) -> None:
    for method, can in declaration.methods.items():
        assert can.method == method
        assert can.gates
        assert declaration.doc
        assert declaration.library
