OPENQASM 3.1;
include "stdgates.inc";
pragma user any
@note here
input float theta = pi / 4;
const uint[8] N = 3;
def flip(qubit[2] a, int[8] k) -> bit { if (k > 1) { x a[0]; } bit r; r = measure a[1]; return r; }
gate turn(t) a, b { ctrl @ rz(t / 2) a, b; inv @ pow(0.5) @ x b; negctrl @ y a, b; gphase(t); }
qubit[4] q;
qubit w;
bit[4] c = "0101";
array[int[16], 2, 3] m = {{1, 2, 3}, {4, 5, 6}};
angle[8] a = 1.5;
complex[float[64]] z = 1 + 2im;
let ab = q[0:1] ++ q[{3, 2}];
U(theta, 0.1, -pi) q[0];
turn(theta ** 2 % 3) q[0], q[1];
h ab;
for uint i in [0:2:N] { rx(sin(i * theta)) q[i]; if (i == 2) { break; } else { continue; } }
while (c[0] == 1) { c[0] = measure q[0]; }
switch (N) { case 1, 2 { x q[0]; } default { z q[1]; } }
c[1] = flip(q[1:2], int[8](N));
m[0, 1] += popcount(c) << 2;
box[100ns] { delay[10us] q[0]; barrier q; nop q[1]; }
reset w;
measure q -> c;
