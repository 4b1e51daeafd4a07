// A circuit with an input: set it with --param theta=1.2 (or theta=pi/3).
OPENQASM 3.0;
include "stdgates.inc";
input angle theta;
qubit q;
bit c;
ry(theta) q;
c = measure q;
