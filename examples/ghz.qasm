// A GHZ state of sixteen qubits: all zeros or all ones.
OPENQASM 3.0;
include "stdgates.inc";
const int n = 16;
qubit[n] q;
bit[n] c;
h q[0];
for int i in [1:n - 1] {
  cx q[i - 1], q[i];
}
c = measure q;
