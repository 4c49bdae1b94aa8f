"""Executes `drift.ipynb` from its first cell to its last, and writes it with what came out: `make notebook`.

What changes from time to time (moments, versions) is left out, so that an unchanged analysis is an unchanged file.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from traitlets.config import Config

NOTEBOOK = Path(__file__).with_name("drift.ipynb")
SECONDS = 300


def executed(store: Path) -> NotebookNode:
    """The notebook with its outputs; the check of `make demo` goes to `store` where that is not there yet."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    where = {"metadata": {"path": str(NOTEBOOK.parent)}}
    with tempfile.TemporaryDirectory() as folder:  # sockets, for a port that is free now may be taken in a moment
        by_socket = Config({"KernelManager": {"transport": "ipc", "ip": f"{folder}/kernel"}})
        client = NotebookClient(notebook, timeout=SECONDS, resources=where, config=by_socket)
        client.execute(env={**os.environ, "EVALGATE_STORE": str(store)})
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    notebook.metadata.language_info = {"name": "python"}
    return notebook


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        nbformat.write(executed(Path(folder, "demo.db")), NOTEBOOK)
