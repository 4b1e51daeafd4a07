"""Scripts of the caller as jobs of the daemon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qmk.abi.calls import q_submit
from qmk.base.isolation import AUTO
from qmk.client.asking import Asks
from qmk.request.arguments import refuse
from qmk.request.options import RunOptions
from qmk.request.scripts import script_program

if TYPE_CHECKING:
    from qmk.request.program import ProgramLike


class Scripts(Asks):
    """The call that submits a script."""

    async def _submit(self, program: ProgramLike, options: RunOptions) -> q_submit.Reply:
        raise AssertionError("the client that this is a part of submits")

    async def submit_script(
        self,
        text: str,
        *,
        input: Any = None,
        seed: int | None = None,
        shots: int | None = None,
        timeout_ms: int | None = None,
        fuel: int | None = None,
        memory_bytes: int | None = None,
        runs: int | None = None,
        file: str = "script",
        isolation: str = AUTO,
        name: str = "",
        tags: str | Sequence[str] = (),
        priority: int = 0,
        attempts: int | None = None,
        cache: bool = True,
        idempotency_key: str = "",
    ) -> q_submit.Reply:
        """Queue Python text as a job, which runs in the daemon's worker in a sandbox; see ``qmk.run_script`` for what a
        script is and has. Its runs are jobs of the same tenant, listed under the tag ``script:JOB``, with the rights of
        this session and no more; they end with it. A worker or daemon that is lost in the middle costs no run: the
        script is run again, and finds those that were done. ``client.result(job).script`` is what it gave.

        ``shots`` is what a run takes that says nothing. ``isolation``: "wasm" or "auto", the sandbox of the script;
        "jail" asks for a jail around that too. ``timeout_ms`` counts from acceptance, and the runs of the script with
        it. Raises as ``submit``; UNSUPPORTED where the daemon has no engine ``script`` (the extra ``wasm``), and in a
        session whose rights are counted or that has quotas of its own.
        """
        if isolation not in (AUTO, "wasm", "jail"):
            raise refuse("isolation", isolation, "'auto', 'wasm' or 'jail'", "a job's script runs in WebAssembly")
        bounds: Any = {"fuel": fuel, "memory_bytes": memory_bytes, "runs": runs}
        program = script_program(text, input=input, shots=shots, file=file, **bounds)
        options = RunOptions(
            shots=1,
            seed=seed,
            timeout_ms=timeout_ms,
            engine="script:wasm",
            isolation="jail" if isolation == "jail" else AUTO,
            keep_events=False,
            name=name,
            tags=tuple([tags] if isinstance(tags, str) else tags),
            priority=priority,
            attempts=attempts,
            cache=cache,
            idempotency_key=idempotency_key,
        )
        return await self._submit(program, options)
