"""A page becomes an executed notebook: cells in order, with what was printed, values, pictures and figures.

``make site`` writes those of the tutorials and checks them with nbformat; the format is held here by a small page.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from notebooks import TUTORIALS, cells, figures, statements, words
from page_blocks import Page, blocks

PAGE = """# Title

See [the index](../index.md#start-here) and ![nothing](../images/x.svg).

```python
import asyncio

import matplotlib.pyplot as plt

import qmk


async def two():
    return 2


got = asyncio.run(two())
plt.plot([0, 1])
```

```python
>>> n = 2
>>> print(n)
2
>>> qmk.Circuit(n).h(0)
<...>
```

```console
$ echo a b
a ...
```
"""


def test_a_page_becomes_cells_with_outputs(tmp_path: Path) -> None:
    list(figures())  # of other tests in this process
    found = list(cells(PAGE, Page(tmp_path)))
    assert [cell["cell_type"] for cell in found] == ["markdown", "code", "code", "code", "code"]
    title, first, second, third, last = found
    assert "the index (`docs/index.md`)" in title["source"]
    assert first["source"].endswith("got = await two()\nplt.plot([0, 1])")
    assert [output["output_type"] for output in first["outputs"]] == ["execute_result", "display_data"]
    assert "<svg" in first["outputs"][1]["data"]["image/svg+xml"]
    assert second["source"] == "n = 2\nprint(n)"
    assert second["outputs"] == [{"output_type": "stream", "name": "stdout", "text": "2\n"}]
    assert "text/plain" in third["outputs"][0]["data"]
    assert last["source"] == "%%bash\necho a b"
    assert last["outputs"][0]["text"] == "a ...\n"
    assert [cell["execution_count"] for cell in found[1:]] == [1, 2, 3, 4]


def test_a_figure_stands_as_output_and_a_link_as_the_name_of_its_page() -> None:
    assert words("a\n\n![x](../images/x.svg)\n\n[b](bell.md) [c](https://c.org)") == (
        "a\n\n\nb (`docs/tutorials/bell.md`) [c](https://c.org)"
    )
    assert list(statements("x = 1\n")) == ["x = 1"]


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_has_only_blocks_that_are_cells(page: Path) -> None:
    assert {block.kind for block in blocks(page)} <= {"python", "console"}
    assert not any(block.file for block in blocks(page))
