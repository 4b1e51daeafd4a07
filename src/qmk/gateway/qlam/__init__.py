"""QuEra's QLAM, version 2: squin kernels in Kirin's JSON, as Bloqade's devices and qlam-core send them.

| file | what |
|---|---|
| ``shapes`` | modes, bodies, pages, the tenant as user and group |
| ``definitions`` | programs and subtasks under an id |
| ``compilations``, ``compiling``, ``compiler`` | definitions written for what runs them, in a bounded process |
| ``tasks``, ``results`` | definitions that run, and what comes of it |
| ``profiles``, ``tenants`` | notes of a caller; groups, and what ``qmk tenant`` does instead |

Source: the API models in qlam-core 0.10 and requests recorded from bloqade 0.36.
"""
