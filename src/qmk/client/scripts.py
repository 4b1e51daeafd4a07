"""Scripts of the caller as jobs of the daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmk.abi.calls import q_submit
from qmk.client.asking import Asks
from qmk.request.options import RunOptions
from qmk.request.scripts import USUAL, job_options, level_of, read_script, script_program
from qmk.request.signature import takes

if TYPE_CHECKING:
    from typing import Unpack

    from qmk.request.keywords import ClientSubmitScriptKeywords
    from qmk.request.program import ProgramLike


class Scripts(Asks):
    """The call that submits a script."""

    async def _submit(self, program: ProgramLike, options: RunOptions) -> q_submit.Reply:
        raise AssertionError("the client that this is a part of submits")

    @takes("Client.submit_script", USUAL)
    async def submit_script(self, text: str, **keywords: Unpack[ClientSubmitScriptKeywords]) -> q_submit.Reply:
        """Queue Python text as a job, which runs in the daemon's worker in a sandbox; see ``qmk.run_script`` for what a
        script is and has, and what ``input``, ``fuel``, ``memory_bytes``, ``runs`` and ``file`` are. Its runs are jobs
        of the same tenant, listed under the tag ``script:JOB``, with the rights of this session and no more; they end
        with it. A worker or daemon that is lost in the middle costs no run: the script is run again, and finds those
        that were done. ``client.result(job).script`` is what it gave.

        ``shots`` is what a run takes that says nothing. ``isolation``: "wasm", which "auto" takes, or for native Python
        with NumPy "jail", "gvisor" or "microvm", which the daemon must have. ``timeout_ms`` counts from acceptance, and
        the runs of the script with it; a native script has a minute where nothing is said. ``wheels``: ``*.whl`` files
        or a folder of them, which a native script imports from; they are a part of the program, and are unpacked in its
        sandbox.

        Raises as ``submit``; UNSUPPORTED where the daemon has no engine ``script`` (the extra ``wasm``), or not
        the level, and in a session whose rights are counted or that has quotas of its own.
        """
        own, options = read_script("Client.submit_script", keywords)
        level = level_of(options.isolation, own)
        program = script_program(text, own, options.shots)
        return await self._submit(program, job_options(level, options))
