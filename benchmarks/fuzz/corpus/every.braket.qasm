OPENQASM 3.0;
bit[2] b;
qubit[2] q;
h q[0];
ctrl @ x q[0], q[1];
pow(0.5) @ rz(0.3) q[1];
#pragma braket unitary([[0, 1], [1, 0]]) q[0]
#pragma braket noise bit_flip(0.1) q[1]
#pragma braket result expectation z(q[0])
b[0] = measure q[0];
