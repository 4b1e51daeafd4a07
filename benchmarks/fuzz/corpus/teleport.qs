// A state goes from one qubit to another; loops, branches, numbers and functions that are adjoint and controlled.
import Std.Math.*;

operation Prepare(angle : Double, q : Qubit) : Unit is Adj + Ctl {
    Ry(angle, q);
    S(q);
}

@EntryPoint()
operation Main() : (Result, Int, Bool) {
    use q = Qubit[3];
    Prepare(PI() / 3.0, q[0]);
    H(q[1]);
    CNOT(q[1], q[2]);
    CNOT(q[0], q[1]);
    H(q[0]);
    mutable count = 0;
    if M(q[1]) == One { X(q[2]); set count += 1; }
    if M(q[0]) == One { Z(q[2]); set count += 2; }
    for k in 0..1 { Controlled Prepare([q[k]], (0.5, q[2])); }
    Adjoint Prepare(PI() / 3.0, q[2]);
    let found = MResetZ(q[2]);
    ResetAll(q);
    return (found, count, count > 1);
}
