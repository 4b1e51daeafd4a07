"""Test suites of other projects that QMK's integrations are held against, and what in them is not expected to pass.

Their code, all of it under the Apache License 2.0, is not part of QMK. ``QMK_UPSTREAM`` names a folder with checkouts
of them, each under the name here; ``python tools/upstream.py FOLDER`` makes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

LICENCE = "Apache-2.0"
"""Of every repository here."""


class Suite(NamedTuple):
    """``files`` run with ``changes`` made to their text, by regular expression. ``reasons``: tests, as ``Class.test``
    or ``test``, of which each case is expected to fail. ``data``: folders and files that they read. ``checkout``: the
    folder in ``QMK_UPSTREAM``, if not the suite's name. ``needs``: a package that is not among ours."""

    repository: str
    commit: str
    files: tuple[str, ...]
    changes: Mapping[str, str]
    reasons: Mapping[str, str]
    data: tuple[str, ...] = ()
    checkout: str = ""
    needs: str = ""


_BRAKET: dict[str, tuple[str, ...]] = {
    "compares the properties of Braket's own device": ("test_properties",),
    "Braket lets gates and subroutines see variables and qubits outside; OpenQASM 3 and QMK do not": (
        "test_gphase",
        "TestStateVectorSimulatorOperatorsOpenQASM.test_17_5_empty_return_statements",
        "TestStateVectorSimulatorOperatorsOpenQASM.test_13_1_early_return_in_subroutine",
    ),
    "Braket counts the bits of a number from the highest; OpenQASM 3 and QMK from the lowest": ("test_adder_analytic",),
    "a Python comment inside the pragma": ("test_invalid_hermitian_target",),
    "expects noise to be refused; QMK runs it": ("test_simulator_instructions_not_supported",),
    "expects Python's own error where QMK raises QmkError with the place": (
        "test_simulator_run_observable_references_invalid_qubit",
        "test_missing_input",
        "TestStateVectorSimulatorOperatorsOpenQASM.test_16_3_accessing_nonexistent_variable_error",
        "TestStateVectorSimulatorOperatorsOpenQASM.test_16_4_array_and_qubit_register_out_of_bounds_error",
        "TestStateVectorSimulatorOperatorsOpenQASM.test_17_1_nonexistent_qubit_variable_error",
        "TestStateVectorSimulatorOperatorsOpenQASM.test_17_2_nonexistent_function_error",
        "TestStateVectorSimulatorOperatorsOpenQASM.test_18_1_simulation_zero_shots",
        "TestEvaluateExpressionFromOpenQASM.test_undefined_function_in_mcm_condition",
    ),
    "looks at private parts of Braket's simulator": (
        "test_observable_hash_tensor_product",
        "test_remove_verbatim_box_with_nested_braces",
        "TestMCMVariableReadWithoutControlFlow.test_mcm_dependency_respects_scope_shadowing",
    ),
    "indexes a single qubit": ("test_basis_rotation",),
    "expects adjoint_gradient to be refused, or another wording of the refusal; QMK computes it": (
        "test_adjoint_gradient_pragma_sv1",
        "test_adjoint_gradient_pragma_dm1",
    ),
    "a range that ends behind the register, which Braket cuts": ("test_run_multiple_swap_large",),
    "replaces the ids that Braket's module makes": (
        "test_run_program_set",
        "test_program_set_parametric",
        "test_run_program_set_dm",
    ),
    "expects other results to be refused than QMK refuses": (
        "test_simulator_run_invalid_ir_result_types",
        "test_simulator_run_invalid_ir_result_types_openqasm",
    ),
    "needs a number that depends on a measurement where QMK must know it when the program is read": (
        "TestStateVectorSimulatorOperatorsOpenQASM.test_5_1_loop_dependent_on_measurement_results_with_branching",
        "TestStateVectorSimulatorOperatorsOpenQASM.test_6_3_dynamic_circuit_features",
        "TestUnifiedMCMControlFlow.test_while_loop_with_measurement",
        "TestEvaluateExpressionFromOpenQASM.test_for_loop_range_differs_per_path",
        "TestMCMWhileLoopContinue.test_continue_in_branched_while_loop",
        "TestEvaluateExpressionFromOpenQASM.test_break_in_branched_for_loop",
        "TestEvaluateExpressionFromOpenQASM.test_continue_in_branched_for_loop",
    ),
    "measure_ff and cc_prx are of IQM's experimental capability": (
        "TestClassicalControlGates.test_measure_ff_and_cc_prx_match_explicit_form",
        "TestClassicalControlGates.test_cc_prx_without_branch",
        "TestClassicalControlGates.test_cc_prx_always_fires",
        "TestClassicalControlGates.test_independent_feedback_keys",
        "TestClassicalControlGates.test_cc_prx_with_unmeasured_feedback_key_raises",
    ),
    "expects all qubits where the program reports the register that it measured into, as Braket 1.41.2 itself does": (
        "TestUnifiedMCMBasic.test_simple_conditional_feedforward",
        "TestMCMVariableReadWithoutControlFlow.test_mcm_dependent_declaration",
        "TestUnifiedMCMBasic.test_complex_conditional_logic",
        "TestUnifiedMCMControlFlow.test_for_loop_with_branching",
        "TestUnifiedMCMClassicalVariables.test_classical_variable_update_per_path",
        "TestUnifiedMCMEdgeCases.test_deterministic_measurement",
        "TestUnifiedMCMEdgeCases.test_break_in_loop_after_mcm",
        "TestUnifiedMCMEdgeCases.test_continue_in_loop_after_mcm",
        "TestUnifiedMCMEdgeCases.test_get_value_reads_correct_path_in_shared_if_body",
        "TestMCMVariableMod.test_bit_toggle_in_loop",
        "TestMCMClassicalVariableBranching.test_declare_variable_in_branched_mode",
        "TestMCMClassicalVariableBranching.test_get_value_falls_back_to_shared_table",
        "TestMCMForLoopDiscreteSet.test_for_loop_with_discrete_set",
        "TestMCMBranchedElseBlock.test_branched_if_else_both_branches",
        "TestMCMVariableReadWithoutControlFlow.test_measure_result_assigned_without_if",
        "TestMCMGateAfterPendingMeasurement.test_reset_on_measured_qubit_flushes_pending",
        "TestEvaluateExpressionFromOpenQASM.test_cast_in_mcm_condition",
        "TestEvaluateExpressionFromOpenQASM.test_unary_in_mcm_condition",
        "TestEvaluateExpressionFromOpenQASM.test_discrete_set_in_branched_for_loop",
        "TestEvaluateExpressionFromOpenQASM.test_branched_for_loop_iterates_correctly",
        "TestDensityMatrixSimulatorBranching.test_repeated_mcm_with_classical_feedforward",
        "TestEvaluateExpressionFromOpenQASM.test_break_in_branched_while_loop",
    ),
    "counts an unsigned number below 0, where OpenQASM 3 and QMK wrap it": (
        "TestStateVectorSimulatorOperatorsOpenQASM.test_6_2_quantum_phase_estimation",
    ),
    "reads a variable that has no value, which Braket takes for 0": (
        "TestStateVectorSimulatorOperatorsOpenQASM.test_5_2_for_loop_operations_with_branching",
        "TestStateVectorSimulatorOperatorsOpenQASM.test_5_3_complex_control_flow",
        "TestStateVectorSimulatorOperatorsOpenQASM.test_16_1_default_values_for_boolean_and_array_types",
    ),
    "takes an input that the program does not declare": (
        "TestStateVectorSimulatorOperatorsOpenQASM.test_11_1_adder",
        "TestStateVectorSimulatorOperatorsOpenQASM.test_11_6_builtin_functions",
        "TestStateVectorSimulatorOperatorsOpenQASM.test_16_5_access_array_input_at_index",
    ),
}

BRAKET = "test/unit_tests/braket/default_simulator"
OURS = "from qmk.integrations.braket.simulator import Simulator as"

PRIMITIVES = "test/python/primitives"
_PRIMITIVES = ("TestBackendSamplerV2", "TestBackendEstimatorV2", "TestSamplerV2", "TestEstimatorV2")
_METADATA = "expects no other metadata; QMK's have simulator_metadata, as Aer's do"
_QISKIT = {
    "repository": "https://github.com/Qiskit/qiskit",
    "commit": "301a22ce0360e40a608129204882357585baa61a",
    "data": (
        "test/__init__.py",
        "test/utils",
        "test/python/__init__.py",
        "test/python/legacy_cmaps.py",
        f"{PRIMITIVES}/__init__.py",
    ),
    "checkout": "qiskit",
    "needs": "ddt",
}

SUITES: dict[str, Suite] = {
    "braket": Suite(
        "https://github.com/amazon-braket/amazon-braket-default-simulator-python",
        "e31289dc29953dfec4ef8104066308ecf2610a90",
        tuple(f"{BRAKET}/test_{name}.py" for name in ("mcm", "state_vector_simulator", "density_matrix_simulator")),
        {
            r"\A((?:.*\n)*?)(?=\n\n(?:@|def |class ))": (
                rf"\1\n{OURS} StateVectorSimulator\nDefaultSimulator = DensityMatrixSimulator = StateVectorSimulator\n"
            ),
            r"\.run_openqasm\(": ".run(",
            # what Braket's own simulator fails is listed here where QMK fails it too
            r"^    @pytest\.mark\.xfail\(\s*reason=\"Interpreter gap.*\n?(?:    \))?\n": "",
        },
        {name: reason for reason, names in _BRAKET.items() for name in names},
        data=("test/resources",),
    ),
    "pytket-qulacs": Suite(
        "https://github.com/CQCL/pytket-qulacs",
        "52e14cf4c7d42af0f77bc0cb586671b12ed877dd",
        ("tests/test_qulacs_backend.py",),
        {
            r"from pytket\.extensions\.qulacs import QulacsBackend": (
                "from qmk.integrations.pytket import QMKBackend as QulacsBackend"
            ),
            r"^    .*QulacsBackend\)?\(.*\"density_matrix\".*\),\n": "",
            r"deadline=timedelta\(seconds=1\)": "deadline=None",
        },
        {"test_properties": "makes a backend of density matrices"},
    ),
    "qiskit-aer": Suite(
        "https://github.com/Qiskit/qiskit-aer",
        "837c3ef3c39248aae936580360c22224dcefb265",
        ("test/terra/primitives/test_sampler_v2.py", "test/terra/primitives/test_estimator_v2.py"),
        {
            r"from qiskit_aer\.primitives import (\w+V2)": r"from qmk.integrations.qiskit import \1",
            r"from test\.terra\.common import QiskitAerTestCase": "from unittest import TestCase as QiskitAerTestCase",
        },
        {"TestEstimatorV2.test_truncate": "makes an estimator from another backend, with that one's noise"},
    ),
    "qiskit-backend": Suite(
        files=tuple(f"{PRIMITIVES}/test_backend_{name}_v2.py" for name in ("sampler", "estimator")),
        changes={r"^BACKENDS = \[\n(.*\n)*?\]": "from qmk.integrations.qiskit import Backend\nBACKENDS = [Backend]"},
        reasons={},
        **_QISKIT,
    ),
    "qiskit-primitives": Suite(
        files=tuple(
            f"{PRIMITIVES}/test_{name}.py"
            for name in ("backend_sampler_v2", "backend_estimator_v2", "statevector_sampler", "statevector_estimator")
        ),
        changes={
            r"^(from test import QiskitTestCase.*)": r"\1\nfrom qmk.integrations.qiskit import EstimatorV2, SamplerV2",
            r"Statevector(Sampler|Estimator)\(": r"\1V2(",
            r"Backend(Sampler|Estimator)V2\((?:backend=.*?)(?:, (options=.*)|())\)$": r"\1V2(\2)",
            # expects control flow to be refused, which QMK runs
            r"^        with self\.subTest\(\"with control flow\"\):\n(?: {12}.*\n)+": "",
            r"target: NDArray \| BitArray, rtol=1e-1": r"target, rtol=0.4",  # of 170 counts of 10,000 by one generator
        },
        reasons={
            **dict.fromkeys((f"{test}.test_metadata" for test in _PRIMITIVES), _METADATA),
            "TestBackendSamplerV2.test_run_level1": "reads analog values, which QMK has not",
            "TestBackendEstimatorV2.test_job_size_limit_backend_v2": "counts the calls of another backend",
            "TestEstimatorV2.test_precision_seed": "compares with the numbers of another generator",
            **{
                f"TestBackendEstimatorV2.test_run_errors_{k}": "expects a precision of 0 to be refused; QMK's is exact"
                for k in range(1, 5)
            },
        },
        **_QISKIT,
    ),
}
