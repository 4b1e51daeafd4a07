OPENQASM 2.0;
include "qelib1.inc";
opaque magic(a) q, r;
gate turn(t, u) a, b { U(t, u / 2, -pi) a; cx a, b; rz(sin(t) ^ 2 + ln(3)) b; barrier a, b; }
qreg q[3];
qreg w[1];
creg c[3];
creg d[2];
turn(0.5, pi / 3) q[0], q[1];
u3(0.1, 0.2, 0.3) q;
ccx q[0], q[1], w[0];
reset q[1];
if (d == 2) turn(1e-3, .5) q[0], w[0];
barrier q, w;
measure q -> c;
measure w[0] -> d[1];
