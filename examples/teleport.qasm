// Teleport RY(1.2)|0> from q[0] to q[2]; out is 1 with probability sin(0.6)^2 = 0.3188.
OPENQASM 3.0;
include "stdgates.inc";
qubit[3] q;
bit phase;
bit parity;
bit out;

ry(1.2) q[0];

// a Bell pair shared by sender (q[1]) and receiver (q[2])
h q[1];
cx q[1], q[2];

// measure message and half of the pair in the Bell basis
cx q[0], q[1];
h q[0];
phase = measure q[0];
parity = measure q[1];

// the receiver mends the state with the two bits
if (parity == 1) {
  x q[2];
}
if (phase == 1) {
  z q[2];
}
out = measure q[2];
