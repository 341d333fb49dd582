"""Running notebooks: in parallel over the cores, once for each state of the code and of what it depends on."""

import ast
import asyncio
import atexit
import hashlib
import json
import os
import platform
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from campus.errors import CampusError
from campus.folders import BUILD, ROOT

CACHE = BUILD / "cache"
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
MOST_SECONDS = 60
MOST_MB = 1000
PATIENCE = 5  # wall time on a busy machine over processor time: a cell that waits longer is stopped
USAGE = "[tuple(__import__('resource').getrusage(who))[:3] for who in (0, -1)]"  # own and children's: s, s, kB on Linux
SINGLE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


@dataclass(frozen=True)
class Run:
    """A notebook to run: its source file's name for messages, and the folder it runs in."""

    name: str
    notebook: NotebookNode
    folder: Path


@dataclass(frozen=True)
class Outputs:
    """What a run gave: the outputs of each code cell, processor time in seconds, peak memory in MB."""

    cells: list[list[dict]]
    seconds: float
    peak_mb: float


def run_all(runs: list[Run], progress: Callable[[str, int, int], None]) -> tuple[dict[str, Outputs], tuple[str, ...]]:
    """The outputs of every run by name, and which were not in the cache; all failures are told at once."""
    found = {run.name: load_outputs(run) for run in runs}
    todo = [run for run in runs if found[run.name] is None]
    if todo:
        try:
            found |= asyncio.run(run_side_by_side(todo, progress))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
    return found, tuple(run.name for run in todo)


async def run_side_by_side(runs: list[Run], progress: Callable[[str, int, int], None]) -> dict[str, Outputs]:
    """Run each notebook in its own kernel, as many at once as there are cores, and store what they gave."""
    free_core = asyncio.Semaphore(os.cpu_count() or 1)
    found, failures = {}, []

    async def take_turn(run: Run) -> None:
        async with free_core:
            try:
                found[run.name] = await run_notebook(run)
                store_outputs(run, found[run.name])
            except CampusError as error:
                failures.append(str(error))
            progress(run.name, len(found) + len(failures), len(runs))

    with signals_cancel_us():
        await asyncio.gather(*(take_turn(run) for run in runs))
    if failures:
        raise CampusError("\n".join(sorted(failures)))
    return found


@contextmanager
def signals_cancel_us() -> Iterator[None]:
    """Let a stop signal cancel the whole run: nbclient would answer it for one of its notebooks, and fail over that."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, task.cancel)
    loop.add_signal_handler = loop.remove_signal_handler = lambda *arguments: None
    try:
        yield
    finally:
        del loop.add_signal_handler, loop.remove_signal_handler
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)


async def run_notebook(run: Run) -> Outputs:
    """Run a copy of the notebook in a fresh kernel; a failing cell, over 60 s of processor time or 1 GB is an error."""
    notebook = nbformat.from_dict(json.loads(json.dumps(run.notebook)))
    client = NotebookClient(
        notebook,
        timeout=MOST_SECONDS * PATIENCE,
        kernel_name="python3",
        resources={"metadata": {"path": str(run.folder)}},
        extra_arguments=["--log-level=CRITICAL"],
        record_timing=False,
        coalesce_streams=True,
    )
    try:
        async with client.async_setup_kernel(env={**os.environ, **SINGLE_THREAD}):
            try:
                for index, cell in enumerate(notebook.cells):
                    await run_cell(client, cell, index, run)
                seconds, peak_mb = await measure_usage(client)
            except asyncio.CancelledError:
                client.shutdown_kernel = "immediate"
                raise
    except DeadKernelError:
        raise CampusError(f"{run.name}: the kernel died while it ran: look for a crash or for memory.") from None
    except RuntimeError as error:
        raise CampusError(f"{run.name}: no kernel could be started ({error}): run the command again.") from None
    finally:
        atexit.unregister(client._cleanup_kernel)  # nbclient forgets it in a run that was stopped
    if seconds > MOST_SECONDS:
        raise CampusError(
            f"{run.name} took {seconds:.0f} s of processor time, over the {MOST_SECONDS} s allowed: make it lighter."
        )
    if peak_mb > MOST_MB:
        raise CampusError(f"{run.name} used {peak_mb:.0f} MB, over the {MOST_MB} MB allowed: make it lighter.")
    cells = [[dict(output) for output in cell.outputs] for cell in notebook.cells if cell.cell_type == "code"]
    return Outputs(cells, round(seconds, 1), round(peak_mb))


async def run_cell(client: NotebookClient, cell: NotebookNode, index: int, run: Run) -> None:
    """Run one cell; an exception, or anything on standard error, becomes a sentence with file, cell and error."""
    first = next((line for line in cell.source.splitlines() if line.strip()), "")
    position = f"{run.name}, cell {index + 1} ('{first[:60]}')"
    try:
        await client.async_execute_cell(cell, index)
    except CellTimeoutError:
        raise CampusError(f"{position} ran for more than {MOST_SECONDS * PATIENCE} s: make it lighter.") from None
    except CellExecutionError as error:
        raise CampusError(f"{position} failed with {error.ename}: {error.evalue}") from None
    warned = [o.text for o in cell.get("outputs", []) if o.output_type == "stream" and o.name == "stderr"]
    if warned:
        raise CampusError(f"{position} wrote to standard error, which no page should show: {warned[0].strip()[:300]}")


async def measure_usage(client: NotebookClient) -> tuple[float, float]:
    """Processor time of the kernel and its children in seconds, and peak resident memory of the largest in MB."""
    message_id = client.kc.execute("", silent=True, user_expressions={"usage": USAGE})
    while True:
        reply = await client.kc.get_shell_msg(timeout=30)
        if reply["parent_header"].get("msg_id") == message_id:
            usage = ast.literal_eval(reply["content"]["user_expressions"]["usage"]["data"]["text/plain"])
            return sum(user + system for user, system, _ in usage), max(kilobytes for *_, kilobytes in usage) / 1024


# The cache


def key(run: Run) -> str:
    """A digest of all that a run's outputs depend on: its code, the files it can read, the lock, Python."""
    code = [cell.source for cell in run.notebook.cells if cell.cell_type == "code"]
    files = [*sorted((run.folder / "data").glob("*")), run.folder.parent / "course.mplstyle", ROOT / "requirements.txt"]
    digest = hashlib.sha256(json.dumps([code, platform.python_version(), run.folder.name]).encode())
    for path in files:
        digest.update(f"{path.name}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:32]


def load_outputs(run: Run) -> Outputs | None:
    """The stored outputs of a run, or nothing where there are none that can be read."""
    path = CACHE / f"{key(run)}.json"
    with suppress(FileNotFoundError, ValueError, TypeError):  # a damaged file is as good as none
        return Outputs(**json.loads(path.read_text(encoding="utf-8")))
    return None


def store_outputs(run: Run, outputs: Outputs) -> None:
    """Store a run's outputs, whole or not at all."""
    CACHE.mkdir(parents=True, exist_ok=True)
    path = CACHE / f"{key(run)}.json"
    scratch = path.with_suffix(f".{os.getpid()}.part")
    scratch.write_text(json.dumps(asdict(outputs), sort_keys=True), encoding="utf-8")
    scratch.replace(path)
