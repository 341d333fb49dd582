"""Make `.venv` from the lock, with the system's Python alone: `python3 campus/environment.py [--tests] [--site]`.

Finished steps leave a stamp that names what they were made from, so that an interrupted run goes on where it stopped.
This file must parse on any Python 3, to tell those who have an old one.
"""

import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
OLDEST = (3, 11)
NEEDED_MB = 3000
MORE = (("--tests", "requirements-test.txt"), ("--site", "requirements-site.txt"))
NETWORK_WORDS = (
    "connection", "network", "resolve", "timed out", "timeout", "proxyerror", "unreachable", "no matching distribution",
)  # fmt: skip


def ensure_environment(more):
    """Make or complete the environment; each step does nothing when its stamp matches."""
    refuse_old_python()
    ensure_venv()
    ensure_packages("requirements.txt")
    for lock in more:
        ensure_packages(lock)
    ensure_project()


def refuse_old_python():
    """Stop on a Python older than the lock was made for."""
    if sys.version_info < OLDEST:
        stop(
            "Python %d.%d is too old: install Python %d.%d or newer and run 'make PYTHON=/path/to/python3' again."
            % (sys.version_info[0], sys.version_info[1], OLDEST[0], OLDEST[1])
        )


def ensure_venv():
    """Make the virtual environment unless this Python's stands there whole."""
    made_from = "%s\n%s" % (sys.version, VENV)  # its programs name the folder: in a moved checkout they would not run
    if read_stamp("python") == made_from and os.path.exists(PYTHON):
        return
    package = "python%d.%d-venv" % sys.version_info[:2]
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError:
        stop("Python's venv module is missing: install the package %s (on Debian and Ubuntu) and try again." % package)
    free = shutil.disk_usage(ROOT).free // 10**6
    if free < NEEDED_MB:
        stop("The disk is too full: %s has %d MB free, and %d MB are needed." % (ROOT, free, NEEDED_MB))
    say("Making the environment in .venv")
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        venv.EnvBuilder(with_pip=True, symlinks=True).create(VENV)
    except (OSError, subprocess.CalledProcessError) as error:
        stop("The environment .venv could not be made (%s): install the package %s and try again." % (error, package))
    write_stamp("python", made_from)


def ensure_packages(lock):
    """Install exactly what a lock names, hashes checked, unless the stamp says that it was done."""
    with open(os.path.join(ROOT, lock), "rb") as file:
        content = file.read()
    digest = hashlib.sha256(content).hexdigest()
    if read_stamp(lock) == digest:
        return
    say("Installing %s (a few minutes the first time; it goes on where it stopped)" % lock)
    drop_half_installed()
    command = [PYTHON, "-m", "pip", "install", "--require-hashes", "--disable-pip-version-check"]
    run_pip(command + ["--requirement", lock], lock, len(re.findall(b"(?m)^[^ #]+==", content)))
    write_stamp(lock, digest)


def drop_half_installed():
    """Forget packages whose installation broke off: pip writes RECORD last, and takes those without it for whole."""
    for folder in glob.glob(os.path.join(VENV, "lib", "python*", "site-packages", "*.dist-info")):
        if not os.path.exists(os.path.join(folder, "RECORD")):
            shutil.rmtree(folder)


def ensure_project():
    """Put this project's own commands, campus and autograder, into the environment."""
    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        digest = hashlib.sha256(ROOT.encode() + file.read()).hexdigest()
    if read_stamp("project") == digest:
        return
    command = [PYTHON, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    run_pip(command + ["--no-index", "--quiet", "--editable", "."], "this project")
    write_stamp("project", digest)


def run_pip(command, what, packages=0):
    """Run pip with a line that counts its packages; what it fails on becomes one sentence."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=said, universal_newlines=True)
        try:
            show_progress(process.stdout, packages)
            process.wait()
        except KeyboardInterrupt:
            process.terminate()  # the same Ctrl-C has reached it too; the next run must not meet it
            process.wait()
            raise
        if process.returncode == 0:
            return
        said.seek(0)
        lines = [line.strip() for line in said if line.strip()]
    first = next((number for number, line in enumerate(lines) if line.startswith("ERROR")), 0)
    reason = " ".join(lines[first : first + 2]) or "pip gave no reason"
    text = "\n".join(lines).lower()
    if "no space left" in text or "errno 28" in text:
        stop("The disk is full: free %d MB where %s stands and run the command again." % (NEEDED_MB, ROOT))
    if any(word in text for word in NETWORK_WORDS):
        stop(
            "%s could not be fetched: connect to the network (or set pip's index or proxy) and run the command again; "
            "it goes on where it stopped." % what
        )
    stop("%s could not be installed: %s" % (what, reason[:400]))


def show_progress(output, packages):
    """Count the packages that pip names: one line that moves on a terminal, a line for every fifty elsewhere."""
    found = 0
    for line in output:
        if line.startswith(("Collecting", "Requirement already")) and packages:
            found += 1
            bar = "#" * (30 * found // packages)
            if sys.stdout.isatty():
                sys.stdout.write("\r  fetching [%-30s] %d of %d " % (bar, min(found, packages), packages))
                sys.stdout.flush()
            elif found % 50 == 0:
                say("  fetched %d of %d" % (found, packages))
        elif line.startswith("Installing collected"):
            say("\n  installing" if sys.stdout.isatty() else "  installing")


def stamp_path(name):
    return os.path.join(VENV, ".made-%s" % name)


def read_stamp(name):
    """What a finished step was made from, or nothing."""
    try:
        with open(stamp_path(name), encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return None


def write_stamp(name, text):
    with open(stamp_path(name), "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)


def say(sentence):
    print(sentence)
    sys.stdout.flush()


def stop(sentence):
    sys.stderr.write(sentence + "\n")
    sys.exit(1)


if __name__ == "__main__":
    try:
        ensure_environment([lock for word, lock in MORE if word in sys.argv])
    except KeyboardInterrupt:
        stop("Stopped; run the command again to go on.")
    except OSError as error:
        if error.errno == 28:
            stop("The disk is full: free %d MB where %s stands and run the command again." % (NEEDED_MB, ROOT))
        stop("The environment could not be made: %s." % error)
