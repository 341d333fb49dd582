"""Does set-up tell in one sentence why it cannot go on?"""

import collections

import pytest

from campus import environment


def test_an_old_python_is_refused(monkeypatch, capsys):
    """Is Python 3.10 told what to install?"""
    version = collections.namedtuple("version", "major minor micro releaselevel serial")(3, 10, 0, "final", 0)
    monkeypatch.setattr(environment.sys, "version_info", version)
    with pytest.raises(SystemExit) as stopped:
        environment.refuse_old_python()
    assert stopped.value.code == 1
    assert capsys.readouterr().err.startswith("Python 3.10 is too old: install Python 3.11 or newer")


def test_a_full_disk_is_told_before_the_work(monkeypatch, capsys, tmp_path):
    """Is too little space said with the figures, and nothing begun?"""
    usage = collections.namedtuple("usage", "total used free")
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda path: usage(10**10, 10**10, 5 * 10**6))
    monkeypatch.setattr(environment, "VENV", str(tmp_path / "venv"))
    monkeypatch.setattr(environment, "PYTHON", str(tmp_path / "venv" / "bin" / "python"))
    with pytest.raises(SystemExit):
        environment.ensure_venv()
    assert "has 5 MB free" in capsys.readouterr().err
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "ERROR: Could not find a version that satisfies\nERROR: No matching distribution found for x",
            "connect to the network",
        ),
        (
            "WARNING: Retrying after connection broken by NewConnectionError: Name or service not known",
            "connect to the network",
        ),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "The disk is full"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "could not be installed: ERROR: THESE PACKAGES"),
    ],
)
def test_a_failing_pip_is_one_sentence(said, told, capsys):
    """Does each way for pip to fail come out as what to do?"""
    script = f"import sys; sys.stderr.write({said!r}); sys.exit(1)"
    with pytest.raises(SystemExit) as stopped:
        environment.run_pip([environment.sys.executable, "-c", script], "requirements.txt")
    assert stopped.value.code == 1
    err = capsys.readouterr().err
    assert told in err
    assert "Traceback" not in err


def test_a_finished_step_is_not_done_again(monkeypatch, tmp_path):
    """Is pip left alone when the stamp names the same lock?"""
    monkeypatch.setattr(environment, "VENV", str(tmp_path))
    calls = []
    monkeypatch.setattr(environment, "run_pip", lambda command, what, packages: calls.append(what))
    environment.ensure_packages("requirements.txt")
    environment.ensure_packages("requirements.txt")
    assert calls == ["requirements.txt"]


def test_a_package_without_its_record_is_installed_again(monkeypatch, tmp_path):
    """Is a package whose installation was killed not taken for whole?"""
    monkeypatch.setattr(environment, "VENV", str(tmp_path))
    for name, files in (("half-1.dist-info", ["METADATA"]), ("whole-1.dist-info", ["METADATA", "RECORD"])):
        folder = tmp_path / "lib" / "python3.11" / "site-packages" / name
        folder.mkdir(parents=True)
        for file in files:
            (folder / file).touch()
    environment.drop_half_installed()
    assert [path.name for path in tmp_path.rglob("*.dist-info")] == ["whole-1.dist-info"]


def test_a_moved_environment_is_made_again(monkeypatch, tmp_path):
    """Do programs that name another folder not stay in use?"""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    monkeypatch.setattr(environment, "VENV", str(tmp_path))
    monkeypatch.setattr(environment, "PYTHON", str(tmp_path / "bin" / "python"))
    made = []
    monkeypatch.setattr("venv.EnvBuilder.create", lambda self, place: (tmp_path.mkdir(exist_ok=True), made.append(1)))
    environment.write_stamp("python", f"{environment.sys.version}\n/elsewhere/.venv")
    environment.ensure_venv()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    environment.ensure_venv()
    assert len(made) == 1
