"""Datasets of the Hugging Face hub, or of a folder in its layout, read row by row through `datasets`.

A dataset of the hub can change under its name, and would then be another suite with the same evidence: its commit must
be named. What was read once comes from the library's cache only as far as streaming keeps it, so a check needs the hub.
Its libraries try again for minutes when nobody answers, so it is asked once before they are, and they try less often.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from evalgate.errors import InfrastructureError, InputError
from evalgate.formats.documents import Document, did_you_mean
from evalgate.suite.bfcl import bfcl_rows
from evalgate.suite.paths import named_file
from evalgate.suite.table import json_row

if TYPE_CHECKING:
    from evalgate.suite.dataset import Dataset

FIRST_SECONDS = 5.0  # to wait for the hub's first word
STALLED_SECONDS = 60.0  # to wait for the next row; what is behind the hub's first word may hang as well
_RETRIES, _PAUSE = 2, 1  # of a stream that broke off; the library's own are 20, five seconds apart
_Row = TypeVar("_Row")
_ON_THE_HUB = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)


def hub_rows(dataset: Dataset, document: Document) -> Iterator[tuple[str, object]]:
    """The rows of a split as `(place, row)`.

    Raises `InputError` for what does not exist or is not named well enough, `InfrastructureError` when the hub cannot
    be reached.
    """
    path = named_file(document, dataset.path, "dataset", "path")
    local = path.is_dir()
    if dataset.split is None:
        raise document.error("missing; name the split, such as split: test", "dataset", "split")
    if not local and not _ON_THE_HUB.fullmatch(dataset.path):
        message = f"{dataset.path!r} is no folder beside the suite, no .jsonl, .csv or .parquet file, and no owner/name"
        raise document.error(message, "dataset", "path")
    if not local and dataset.revision is None:
        message = "missing; a dataset of the hub needs its commit (40 hexadecimal digits, under Files, History)"
        raise document.error(message, "dataset", "revision")
    if local and dataset.revision is not None:
        raise document.error("a folder has none; leave it out", "dataset", "revision")
    if not local:
        _require_there(dataset, document)
    place = f"{dataset.path}[{dataset.split}]"
    if dataset.format is not None:

        def file(name: str) -> Path:
            return _local_file(path, name, document) if local else _hub_file(dataset, name, document)

        yield from bfcl_rows(dataset.split, file, document.at("dataset", "split"))
        return
    rows = _rows(dataset, str(path) if local else dataset.path, document)
    if not local:
        rows = _awaited(rows, lambda: _unreachable(document, TimeoutError(f"no row for {STALLED_SECONDS:.0f} seconds")))
    for number, row in enumerate(rows, start=1):
        yield f"{place}:row {number}", json_row(row, f"{place}:row {number}")


def _require_there(dataset: Dataset, document: Document) -> None:
    """Ask the hub once whether it has this commit of the dataset; raises as `hub_rows` does."""
    from huggingface_hub import HfApi, constants, errors

    named = f"{dataset.path} at {str(dataset.revision)[:12]}"
    endpoint = os.environ.get("HF_ENDPOINT") or constants.ENDPOINT
    out = "keep the cases in a file beside the suite (cases: FILE)"
    place = document.at("dataset", "path")
    if constants.is_offline_mode():
        message = f"HF_HUB_OFFLINE is set, so {named} cannot be fetched; unset it, or {out}"
        raise InfrastructureError(f"{place}: {message}")
    try:
        api = HfApi(endpoint=endpoint)
        api.dataset_info(dataset.path, revision=dataset.revision, timeout=FIRST_SECONDS)
    except errors.RevisionNotFoundError:
        raise document.error(f"{dataset.path} has no such commit", "dataset", "revision") from None
    except Exception as failure:  # of whichever of its libraries
        if isinstance(failure, errors.HfHubHTTPError) and failure.response.status_code in {401, 403, 404}:
            message = f"{endpoint} has no dataset {dataset.path!r}, or none that you may read"
            raise document.error(f"{message}: private and gated ones need HF_TOKEN", "dataset", "path") from None
        message = f"the hub ({endpoint}) cannot be reached: {_first_line(failure)}; needed is {named}"
        raise InfrastructureError(f"{place}: {message}: try again, or {out}") from None


def _local_file(folder: Path, name: str, document: Document) -> Path:
    if not (folder / name).is_file():
        raise document.error(f"{folder} has no file {name}", "dataset", "path")
    return folder / name


def _hub_file(dataset: Dataset, name: str, document: Document) -> Path:
    """A file of the dataset in the hub's own cache, fetched if it is not there; raises as `hub_rows` does."""
    from huggingface_hub import constants, errors, hf_hub_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    endpoint = os.environ.get("HF_ENDPOINT") or constants.ENDPOINT
    try:
        found = hf_hub_download(
            dataset.path,
            name,
            repo_type="dataset",
            revision=dataset.revision,
            etag_timeout=FIRST_SECONDS,
            endpoint=endpoint,
        )
        return Path(found)
    except errors.RemoteEntryNotFoundError:
        raise document.error(f"{dataset.path} has no file {name} at this commit", "dataset", "path") from None
    except Exception as failure:  # of whichever of its libraries
        raise _unreachable(document, failure) from None


def _rows(dataset: Dataset, source: str, document: Document) -> Iterator[dict[str, object]]:
    import datasets

    def require_split(splits: Iterable[str]) -> None:
        if (known := set(splits)) and str(dataset.split) not in known:
            message = f"no split {dataset.split!r}{did_you_mean(str(dataset.split), known)}"
            raise document.error(message, "dataset", "split")

    datasets.disable_progress_bars()
    for kind in ("OPEN", "READ"):
        setattr(datasets.config, f"STREAMING_{kind}_MAX_RETRIES", _RETRIES)
        setattr(datasets.config, f"STREAMING_{kind}_RETRY_INTERVAL", _PAUSE)
    datasets.config.STREAMING_READ_SERVER_UNAVAILABLE_RETRY_INTERVAL = _PAUSE
    datasets.config.STREAMING_READ_RATE_LIMIT_RETRY_INTERVAL = _PAUSE
    try:
        builder = datasets.load_dataset_builder(source, dataset.name, revision=dataset.revision)
        require_split(builder.info.splits or {})
        yield from builder.as_streaming_dataset(split=dataset.split)
    except InputError:
        raise
    except FileNotFoundError as failure:
        if "LocalEntryNotFound" not in str(failure):  # its name for whatever was not to be had and is in no cache
            raise document.error(f"cannot be read: {_first_line(failure)}", "dataset", "path") from None
        raise _unreachable(document, failure) from None
    except (ValueError, KeyError, datasets.exceptions.DatasetsError) as failure:
        raise document.error(f"cannot be read: {_first_line(failure)}", "dataset", "path") from None
    except Exception as failure:  # of whichever of its libraries: connections, certificates, rate limits, archives
        raise _unreachable(document, failure) from None


def _unreachable(document: Document, failure: Exception) -> InfrastructureError:
    message = f"{document.at('dataset', 'path')}: the hub cannot be reached or read: {_first_line(failure)}"
    return InfrastructureError(f"{message}; try again, or keep the cases in a file beside the suite")


def _awaited(rows: Iterator[_Row], stalled: Callable[[], Exception]) -> Iterator[_Row]:
    """`rows`, read in a thread of their own; raises what `stalled` makes when none comes for so long."""
    ready: queue.Queue[_Row | Exception | None] = queue.Queue(maxsize=256)
    left = threading.Event()

    def hand_over(each: _Row | Exception | None) -> None:
        while not left.is_set():
            with contextlib.suppress(queue.Full):
                ready.put(each, timeout=1)
                return

    def read() -> None:
        try:
            for row in rows:
                hand_over(row)
                if left.is_set():
                    return
            hand_over(None)
        except Exception as failure:
            hand_over(failure)

    threading.Thread(target=read, daemon=True).start()  # one that hangs is left behind
    try:
        while True:
            try:
                each = ready.get(timeout=STALLED_SECONDS)
            except queue.Empty:
                raise stalled() from None
            if each is None:
                return
            if isinstance(each, Exception):
                raise each
            yield each
    finally:
        left.set()


def _first_line(failure: Exception) -> str:
    return (str(failure).splitlines() or [type(failure).__name__])[0][:300]
