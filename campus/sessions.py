"""The repository that associates' workspaces pull: clean sessions and their data, no solutions and no tests."""

import os
import subprocess
from pathlib import Path

from campus.errors import CampusError
from campus.folders import CLEAN, ensure_state, state

BRANCH = "main"
AUTHOR = {"NAME": "Modelling campus", "EMAIL": "campus@localhost"}


def repository() -> Path:
    """Where the repository stands."""
    return state() / "sessions.git"


def publish_sessions() -> bool:
    """Commit the clean notebooks to the repository if they changed; return whether they did."""
    if not CLEAN.is_dir():
        raise CampusError("There are no notebooks to publish yet: run 'make notebooks' first.")
    ensure_state()
    if not (repository() / "HEAD").exists():
        repository().mkdir(parents=True, exist_ok=True)
        run_git("init", "--quiet", f"--initial-branch={BRANCH}")
        run_git("config", "core.bare", "false")
    (repository() / "index.lock").unlink(missing_ok=True)  # left by an interrupted run; nobody else writes here
    run_git("add", "--all", ".")
    if not run_git("status", "--porcelain"):
        return False
    run_git("commit", "--quiet", "--message", "Publish the sessions")
    run_git("update-server-info")
    return True


def run_git(*arguments: str) -> str:
    """Run git on the repository, with the clean notebooks as its work tree and nobody's own settings."""
    own = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in AUTHOR.items()}
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        **own,
        "GIT_DIR": str(repository()),
        "GIT_WORK_TREE": str(CLEAN),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=CLEAN, env=environment, capture_output=True, text=True, check=True
        )
    except FileNotFoundError:
        raise CampusError("git is not installed: install the package git.") from None
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise CampusError(
            f"The sessions could not be published to {repository()} (git said '{reason}'): see that the disk has room, "
            "or restore that folder from a backup."
        ) from None
    return done.stdout.strip()
