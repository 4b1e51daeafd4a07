"""Family ``policy``: wishes about how a program is run; they never change its meaning."""

from __future__ import annotations

from qmk.qvm.op import Arity, Family, Op, Param

FAMILY = Family(
    "policy",
    1,
    "wishes about how a program is run",
    (
        Op(
            "policy.set",
            "set scheduling wishes for the rest of the program",
            "metadata",
            "SET_POLICY",
            vqs=Arity(0, None),
            params=(
                Param("priority", "int", "larger runs sooner", required=False, low=-1000, high=1000),
                Param(
                    "deadline",
                    "int",
                    "latest epoch",
                    "epochs",
                    required=False,
                    low=0,
                    synonyms=("deadline_epochs",),
                ),
                Param("code_distance", "int", "least code distance", required=False, low=1),
            ),
        ),
    ),
)
