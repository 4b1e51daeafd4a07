"""The process that draws: ``python -m qmk.gateway.service.drawer``, a program or figures on standard input, the picture
on standard output. Programs of strangers are read here and not in the gateway; plots take Matplotlib, which the gateway
does not import."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import msgspec

from qmk.base.errors import QmkError
from qmk.gateway.service.shapes import CutCircuit, DrawCourse, DrawLayers, DrawPlot, DrawProgram, Picture
from qmk.worker import process

MEMORY_BYTES = 2 << 30
DRAWN_NODES = 2000


def make(asked: DrawProgram | DrawPlot | DrawLayers | DrawCourse | CutCircuit) -> dict[str, Any]:
    """The answer. Raises what making it raises."""
    match asked:
        case DrawProgram():
            return {"svg": draw_svg(asked)}
        case DrawPlot():
            return {"svg": plot_svg(asked)}
        case DrawLayers():
            from qmk.gateway.service.programs import make_layers

            return make_layers(asked)
        case DrawCourse():
            from qmk.gateway.service.programs import make_course

            return make_course(asked)
        case CutCircuit():
            from qmk.gateway.service.programs import cut_circuit

            return cut_circuit(asked, DRAWN_NODES)


def draw_svg(asked: DrawProgram) -> str:
    """The picture. Raises what reading and drawing the program raise."""
    from qmk.gateway.service.programs import find_device, graph_of
    from qmk.request.pictures import draw

    graph = graph_of(asked.program)
    if asked.device is not None:
        find_device(asked.device)
    return draw(graph, device=asked.device, width=asked.width, max_nodes=DRAWN_NODES).to("svg").decode()


def plot_svg(asked: DrawPlot) -> str:
    """The plot. Raises what drawing it raises, UNSUPPORTED without Matplotlib among it."""
    from qmk.drawing import bars, curves, engines, history

    makers: dict[str, Any] = {
        "histogram": bars.histogram,
        "convergence": curves.convergence,
        "engines": engines.chart,
        "sweep": _sweep,
        "history": history.history,
    }
    return makers[asked.plot](**asked.figures, theme=asked.theme)._repr_svg_()


def _sweep(labels: list[str], ylabel: str, theme: str, **columns: Any) -> Any:
    """The curves of a sweep, whose ``columns`` are lists of lists."""
    import numpy as np

    from qmk.drawing import curves

    names = tuple(columns.pop("names"))
    swept: Any = SimpleNamespace(names=names, **{name: np.array(rows, float) for name, rows in columns.items()})
    made: Any = curves.sweep(swept, labels, theme=theme)
    if len(made.axes) == 1:
        made.axes[0].set_ylabel(ylabel)
    return made


def main() -> int:
    process.settle("qmk-drawer", 1)
    process.bound_memory(MEMORY_BYTES)
    made: dict[str, Any]
    try:
        asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Picture).of
        made = make(asked)
    except QmkError as error:
        made = {"error": error.to_dict()}
    except MemoryError:
        text = "drawing it takes more memory than allowed"
        made = {"error": QmkError("QUOTA_EXCEEDED", text, retryable=False).to_dict()}
    except RecursionError:
        made = {"error": QmkError("QUOTA_EXCEEDED", "the program nests too deep", retryable=False).to_dict()}
    sys.stdout.buffer.write(msgspec.json.encode(made))
    return 0


if __name__ == "__main__":
    sys.exit(main())
