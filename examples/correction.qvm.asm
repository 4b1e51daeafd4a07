; Measure one half of a Bell pair, and flip the other half when the outcome is 1: the second bit is always 0.
.version 1.0
.caps CAP_ALLOC

prepare:  ALLOC_LQ n=2 -> a, b [CAP_ALLOC]
spread:   APPLY_H a
entangle: APPLY_CNOT a, b
first:    MEASURE_Z a -> m0
mend:     APPLY_X b if m0 == 1
second:   MEASURE_Z b -> m1
release:  FREE_LQ a, b
