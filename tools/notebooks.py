"""Writes each tutorial as an executed Jupyter notebook: ``python tools/notebooks.py FOLDER``.

The tutorial's Markdown is the only source. Its blocks run as the suite runs them (``page_blocks``), one cell a block,
or one a result where a block is a session with ``>>>``. An output is what Jupyter would show: what was printed, the
last value with its picture or table, and figures. A command's output is the text of the page, with which its real
output agrees. ``make site`` checks the notebooks with nbformat; here they are plain JSON of format 4.5.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import io
import json
import os
import posixpath
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from page_blocks import BLOCK, ROOT, Block, Page, commands

import qmk

TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^):#\s]+)(?:#[^)\s]*)?\)")
PICTURE = re.compile(r"^!\[[^\]]*\]\([^)]+\)\n?", re.MULTILINE)
RICH = {"text/html": "_repr_html_", "image/svg+xml": "_repr_svg_"}
LOOP = re.compile(r"asyncio\.run\((.*)\)$", re.MULTILINE)
"""Jupyter has a loop of its own, in which a cell awaits."""

WAIT = "timeout 30 sh -c 'until grep -q listening daemon.log; do sleep 0.1; done'"


def words(text: str) -> str:
    """The text between blocks: figures are outputs here, and a link becomes the name of the page it leads to."""

    def name_page(match: re.Match[str]) -> str:
        return f"{match[1]} (`{posixpath.normpath(posixpath.join('docs/tutorials', match[2]))}`)"

    return LINK.sub(name_page, PICTURE.sub("", text)).strip()


def statements(body: str) -> Iterator[str]:
    """The sources of a block, one a cell: of a session each part that ends with an output."""
    if ">>> " not in body:
        yield body.strip("\n")
        return
    part = ""
    for example in doctest.DocTestParser().get_examples(body):
        part += example.source
        if example.want:
            yield part.strip("\n")
            part = ""
    if part:
        yield part.strip("\n")


def bundle(value: Any) -> dict[str, str]:
    """A value as Jupyter shows it: its text, and its table or picture."""
    shown = {kind: getattr(value, name)() for kind, name in RICH.items() if hasattr(value, name)}
    return {"text/plain": repr(value), **shown}


def figures() -> Iterator[dict[str, Any]]:
    """The open figures of Matplotlib as outputs; they are closed."""
    plt = sys.modules.get("matplotlib.pyplot")
    if plt is None:
        return
    for number in plt.get_fignums():
        drawn = io.StringIO()
        plt.figure(number).savefig(drawn, format="svg")
        data = {"image/svg+xml": drawn.getvalue(), "text/plain": "<Figure>"}
        yield {"output_type": "display_data", "metadata": {}, "data": data}
    plt.close("all")


def execute(source: str, names: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Run a cell; its outputs as the notebook keeps them."""
    tree, printed, value = ast.parse(source), io.StringIO(), None
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, "cell", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": printed.getvalue()})
    if value is not None:
        result = {"output_type": "execute_result", "execution_count": count, "metadata": {}, "data": bundle(value)}
        outputs.append(result)
    return [*outputs, *figures()]


def shell(body: str) -> tuple[str, list[dict[str, Any]]]:
    """A console block as a cell of bash, with the outputs of the page. A daemon runs on, and is waited for."""
    lines: list[str] = []
    shown = ""
    for command, expected in commands(body):
        stays = command.endswith("&")
        lines += [f"nohup {command.removesuffix('&').strip()} > daemon.log 2>&1 &", WAIT] if stays else [command]
        shown += expected + "\n" if expected.strip() else ""
    outputs = [{"output_type": "stream", "name": "stdout", "text": shown}] if shown else []
    return "\n".join(["%%bash", *lines]), outputs


def cells(text: str, page: Page) -> Iterator[dict[str, Any]]:
    """The cells of a page, run in ``page``."""
    at = count = 0
    for match in [*BLOCK.finditer(text), None]:
        if between := words(text[at : match.start() if match else len(text)]):
            yield {"cell_type": "markdown", "metadata": {}, "source": between}
        if match is None:
            return
        at, body = match.end(), match["body"]
        if match["kind"] == "console":
            page.run(Block("console", body, 0))
            sources = [shell(body)]
        else:
            assert match["kind"] == "python", f"a notebook has no cell for a block of kind {match['kind']}"
            sources = ((source, None) for source in statements(body))
        for source, outputs in sources:
            count += 1
            found = execute(source, page.names, count) if outputs is None else outputs
            code = {"execution_count": count, "metadata": {}, "outputs": found, "source": LOOP.sub(r"await \1", source)}
            yield {"cell_type": "code", **code}


def notebook(path: Path) -> dict[str, Any]:
    """The executed notebook of a tutorial. The folder and the variables of this process are those of the page."""
    note = f"*This is `docs/tutorials/{path.name}`, executed with QMK {qmk.__version__}.*"
    with tempfile.TemporaryDirectory() as name:
        page = Page(Path(name))
        os.environ.update({key: page.environment[key] for key in ("QMK_SOCKET", "QMK_STATE_DIR", "QMK_RATES")})
        os.chdir(name)
        try:
            found = [{"cell_type": "markdown", "metadata": {}, "source": note}, *cells(path.read_text(), page)]
        finally:
            page.close()
            os.chdir(ROOT)
    for number, cell in enumerate(found):
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    about = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": about, "cells": found}


def main(folder: Path) -> None:
    """Write every tutorial's notebook into ``folder``."""
    import matplotlib as mpl

    mpl.use("svg")
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for path in TUTORIALS:
        (folder / f"{path.stem}.ipynb").write_text(json.dumps(notebook(path), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
