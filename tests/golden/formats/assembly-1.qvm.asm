; Every form of assembly in one program; frozen.
.version 1.0
.families core@1
.caps CAP_ALLOC
.shots 512
.metadata title = "frozen; {{really}}"
.metadata nested = [a: [1, 2.5, null], "b c": [:]]
.output c descending = m1, 0, m0
.output "p" = parity

.param n = 2
.set qs = names("q", n + 1)
.macro BELL(a, b)
    h: APPLY_H {a}
    cx: APPLY_CNOT {a}, {b}
.endmacro

alloc: ALLOC_LQ n={n + 1}, profile="logical:Surface(d=3)" -> {join(", ", qs)} [CAP_ALLOC]
BELL(q0, q1)
BELL(q1, q2)
.for i in 0..n
    .if i % 2 == 0
    r_{i:02d}: APPLY_RZ q{i}, theta={i}*pi/4 + 0.5   ; a comment with {braces}
    .else
    p_{i}: core.p q{i}, lam=-pi/8 @[why: "odd"]
    .endif
.endfor
m0: MEASURE_Z q0 -> m0
m1: MEASURE_Z q1 -> m1
parity: core.lut m0, m1, table=6 -> parity
fix: COND_PAULI q2, m0, m1, mask=X if m0==1 and (m1==0 or parity==1)
twist: core.mod q0, q1, q2, gate=rz, controls=2, state=10, power=0.5, params=[theta: pi/3] [parity == 1]
"reset": RESET q2
free: FREE_LQ {join(", ", qs)}
