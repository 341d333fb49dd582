"""Workspaces that run on this machine: whose they are, by what their processes were told at their start."""

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import psutil

from campus.serve import end_processes, find_ours

OWNER = "JUPYTERHUB_USER"  # the hub says it to a workspace, which says it to its kernels and terminals


def find_workspaces(folder: Path, accounts: Collection[str]) -> dict[str, list[psutil.Process]]:
    """The processes of some accounts' workspaces of the hub with this state folder, as far as we may see them."""
    found: dict[str, list[psutil.Process]] = {}
    for process in find_ours(folder) if accounts else ():
        with suppress(psutil.Error, OSError):
            owner = process.environ().get(OWNER)
            if owner in accounts:
                found.setdefault(owner, []).append(process)
    return found


def stop_workspaces(folder: Path, accounts: Collection[str]) -> None:
    """End the workspaces of some accounts with their kernels and terminals; what was saved stays."""
    end_processes([process for each in find_workspaces(folder, accounts).values() for process in each])
