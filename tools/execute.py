"""Run a notebook so that the same cells print the same bytes."""

import asyncio
import json
import os
import re
from tempfile import TemporaryDirectory

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from traitlets.config import Config

from tools.figures import WIDGET
from tools.sources import BuildError, Target, cell_lines, code_cells, place, unexecuted

# Everything that could make the same cell print something else.
KERNEL_ENVIRONMENT = {
    "COLUMNS": "80",
    "COURSE_FIGURES": "packed",
    "LC_ALL": "C.UTF-8",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
}


def execute(notebook: NotebookNode, target: Target) -> None:
    """Run all cells of a target's notebook, and store what they print.

    Raises BuildError if a cell raises, or prints what differs from run to run.
    """
    with TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            # The kernel listens on this machine only; "auto" encrypts where it can.
            config=Config(KernelManager={"transport_encryption": "auto"}),
            timeout=300,
            resources={"metadata": {"path": str(target.path.parent)}},
            record_timing=False,
            coalesce_streams=True,
            store_widget_state=False,
        )
        # No start-up files, history or progress of whoever builds.
        mine = {"IPYTHONDIR": folder, "COURSE_PROGRESS": f"{folder}/progress.json"}
        mine["PYTHONPATH"] = str(target.path.parents[1])
        environment = os.environ | KERNEL_ENVIRONMENT | mine
        try:
            asyncio.run(client.async_execute(env=environment))
        except CellExecutionError:
            raise BuildError(_first_error(notebook, target)) from None
    _check_outputs(notebook, target)
    _renumber_widgets(notebook)
    notebook.metadata["language_info"] = {"name": "python"}


def _check_outputs(notebook: NotebookNode, target: Target) -> None:
    """Raise BuildError at what a second run would print differently."""
    for i, cell in enumerate(code_cells(notebook), start=1):
        for output in cell.outputs:
            if output.get("name") == "stderr":
                raise BuildError(f"{_where(target, cell)}: stderr: {output.text}")
            if re.search(r" at 0x[0-9a-f]+", json.dumps(output)):
                raise BuildError(f"{_where(target, cell)}: prints an address")
        if cell.execution_count != i:
            raise BuildError(f"{_where(target, cell)}: was not executed in order")


def _first_error(notebook: NotebookNode, target: Target) -> str:
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if output.output_type == "error":
                trace = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(output.traceback))
                here = rf"In\[{cell.execution_count}\], line (\d+)"
                lines = re.findall(here, trace)
                line = int(lines[-1]) if lines else 1
                what = f"{output.ename}: {output.evalue}"
                return f"{_where(target, cell, line)}, line {line}: {what}"
    return f"{target.where}: the kernel died"


def _where(target: Target, cell: NotebookNode, line: int = 1) -> str:
    """Name the line of the source, and the cell, that an error came from."""
    text = target.source.read_text(encoding="utf-8")
    ids = [x.id for x in unexecuted(target).cells]
    return place(target, cell_lines(text)[ids.index(cell.id)] + line)


def _renumber_widgets(notebook: NotebookNode) -> None:
    """Give widgets the names 0, 1, 2, … in the order in which they are shown."""
    names: dict[str, str] = {}
    for cell in code_cells(notebook):
        for output in cell.outputs:
            view = output.get("data", {}).get(WIDGET)
            if view:
                mine = names.setdefault(view["model_id"], f"{len(names):032x}")
                view["model_id"] = mine
