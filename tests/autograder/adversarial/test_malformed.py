"""Is a file that is no notebook, or an odd one, marked as far as it goes, with a sentence for the tutor and no trouble?

Each case is what was handed in and its honest twin: a blank notebook, the right one, or one with one wrong answer.
"""

import copy
import json
import os
import random
import socket

import pytest

from autograder.variants import blank, released
from tests.autograder.adversarial.trial import FULL, TRIAGE, answered, marked, scores

RIGHT, BLANK, SHARE = "the right notebook", "a blank notebook", "one with a wrong share"
GOOD = json.loads(json.dumps(answered({})))


def text(notebook: object) -> bytes:
    return json.dumps(notebook).encode()


def with_cell(**changes) -> bytes:
    """The right notebook, but for fields of its answer to `share`."""
    notebook = copy.deepcopy(GOOD)
    cell = next(cell for cell in notebook["cells"] if named(cell) == "share")
    for name, value in changes.items():
        cell[name] = value
        if value is ...:
            del cell[name]
    return text(notebook)


def with_name(name: object) -> bytes:
    """The right notebook, with another name of its answer to `share`."""
    return with_cell(metadata={"nbgrader": {"grade_id": name, "solution": True}})


def with_top(**changes) -> bytes:
    """The right notebook, but for fields of the whole."""
    return text({**GOOD, **changes})


def with_all(change) -> bytes:
    """The right notebook with something done to each cell."""
    notebook = copy.deepcopy(GOOD)
    for cell in notebook["cells"]:
        change(cell)
    return text(notebook)


def with_cells(choose) -> bytes:
    return text({**GOOD, "cells": choose(copy.deepcopy(GOOD["cells"]))})


def named(cell: dict) -> str | None:
    return cell["metadata"].get("nbgrader", {}).get("grade_id")


def source(name: str) -> str:
    return next(cell["source"] for cell in GOOD["cells"] if named(cell) == name)


SHARE_SOURCE = source("share")

# name: bytes, or how to make them; the twin; what a flag says
CASES = {
    # No notebook
    "nothing": (b"", BLANK, "is empty"),
    "spaces": (b" \n\t ", BLANK, "is empty"),
    "zeros": (bytes(10_000), BLANK, "damaged or no notebook"),
    "noise": (random.Random(1).randbytes(100_000), BLANK, "damaged or no notebook"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(1000), BLANK, "damaged or no notebook"),
    "an archive": (b"PK\x03\x04" + bytes(1000), BLANK, "damaged or no notebook"),
    "half a notebook": (text(GOOD)[: len(text(GOOD)) // 2], BLANK, "damaged or no notebook"),
    "a notebook and more": (text(GOOD) + b"{}", BLANK, "damaged or no notebook"),
    "a page of an error": (b"<html><body>502 Bad Gateway</body></html>", BLANK, "damaged or no notebook"),
    "Python": (SHARE_SOURCE.encode(), BLANK, "damaged or no notebook"),
    "a merge that was never made": (
        text(GOOD).replace(b'"cells"', b"<<<<<<< HEAD\n" + b'"cells"', 1),
        BLANK,
        "damaged or no notebook",
    ),
    **{f"the JSON {value}": (value.encode(), BLANK, "notebook") for value in ("null", "true", "3", '"x"', "[]", "NaN")},
    "no cells": (b"{}", BLANK, "no cells"),
    "cells that are no list": (with_top(cells={"0": {}}), BLANK, "no cells"),
    "cells that are nothing": (with_top(cells=None), BLANK, "no cells"),
    "cells that are text": (with_top(cells="cells"), BLANK, "no cells"),
    "cells that are no cells": (with_top(cells=[None, 1, "x", [], {}, True]), BLANK, "no cell of this assignment"),
    "a notebook of something else": (
        with_all(lambda cell: cell["metadata"].pop("nbgrader", None)),
        BLANK,
        "no cell of this assignment",
    ),
    "another assignment": (
        with_all(lambda cell: cell["metadata"].get("nbgrader", {}).update(grade_id=f"x-{named(cell)}")),
        BLANK,
        "of something else",
    ),
    # Text
    "UTF-16": (json.dumps(GOOD).encode("utf-16"), BLANK, ""),
    "a mark of byte order": (b"\xef\xbb\xbf" + text(GOOD), RIGHT, None),
    "Latin letters of one byte": (
        text(GOOD).replace(b"A part as", b"Caf\xe9: a part as"),
        RIGHT,
        "bytes that are no text",
    ),
    "lone surrogates": (with_cell(source="# \ud800\udfff\n" + SHARE_SOURCE), RIGHT, None),
    "a NUL in an answer": (with_cell(source="# \0\n" + SHARE_SOURCE), RIGHT, None),
    "letters that turn the text around": (with_cell(source="# \u202e\u200b\ufeff\n" + SHARE_SOURCE), RIGHT, None),
    "line ends of Windows": (with_cell(source=SHARE_SOURCE.replace("\n", "\r\n")), RIGHT, None),
    "a coding that is none": (with_cell(source="# -*- coding: utf-7 -*-\n" + SHARE_SOURCE), RIGHT, None),
    "numbers that are none": (with_top(metadata={"x": float("nan"), "y": [float("inf"), -float("inf")]}), RIGHT, None),
    "a number of ten thousand digits": (
        text(GOOD).replace(b'"nbformat": 4', b'"nbformat": ' + b"9" * 10_000),
        BLANK,
        "damaged or no notebook",
    ),
    "lists in lists": (b"[" * 100_000, BLANK, "damaged or no notebook"),
    "a good notebook with lists in lists": (
        text(GOOD).replace(b'"metadata": {', b'"metadata": {"x": ' + b"[" * 50_000 + b"]" * 50_000 + b", ", 1),
        BLANK,
        "damaged or no notebook",
    ),
    "dicts in dicts": (b'{"a":' * 100_000, BLANK, "damaged or no notebook"),
    "the same key twice": (b'{"cells": 3, ' + text(GOOD)[1:], RIGHT, None),
    # Size
    "a million cells": (b'{"cells": [' + b"{}," * 10**6 + b"{}]}", BLANK, "far more parts"),
    "a hundred thousand cells of its own": (
        lambda: with_cells(lambda cells: cells + [{"cell_type": "code", "source": "x", "metadata": {}}] * 10**5),
        RIGHT,
        "of the learner's own",
    ),
    "ten thousand copies of an answer": (
        lambda: with_cells(lambda cells: cells + [cell for cell in cells if named(cell) == "share"] * 10**4),
        RIGHT,
        "10001 times",
    ),
    "a hundred megabytes of outputs": (
        lambda: with_cell(outputs=[{"output_type": "stream", "name": "stdout", "text": "x" * 10**8}]),
        BLANK,
        "more than 32 MB",
    ),
    "ten megabytes of outputs": (
        lambda: with_cell(outputs=[{"output_type": "stream", "name": "stdout", "text": "x" * 10**7}]),
        RIGHT,
        None,
    ),
    "an answer of a megabyte": (with_cell(source="#" * 10**6 + "\n" + SHARE_SOURCE), SHARE, "more than 200000 char"),
    # Format
    "format 2": (with_top(nbformat=2, nbformat_minor=0), RIGHT, None),
    "format 3, with worksheets": (
        text({"nbformat": 3, "metadata": {}, "worksheets": [{"cells": GOOD["cells"]}]}),
        RIGHT,
        "old format",
    ),
    "format 3, with input in place of source": (
        text(
            {
                "nbformat": 3,
                "metadata": {"name": ""},
                "worksheets": [
                    {
                        "cells": [
                            {**{k: v for k, v in cell.items() if k != "source"}, "input": cell["source"]}
                            for cell in GOOD["cells"]
                        ]
                    }
                ],
            }
        ),
        RIGHT,
        "old format",
    ),
    "format 3, with worksheets that are none": (
        text({"nbformat": 3, "worksheets": [None, 3, {"cells": 4}]}),
        BLANK,
        "no cell of this assignment",
    ),
    "format 5": (with_top(nbformat=5), RIGHT, None),
    "format four": (with_top(nbformat="four", nbformat_minor=[]), RIGHT, None),
    "no format": (text({"cells": GOOD["cells"]}), RIGHT, None),
    "R": (
        with_top(metadata={"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}}),
        RIGHT,
        "another kernel (r)",
    ),
    "a kernel of the learner's own": (
        with_top(metadata={"kernelspec": {"name": "python3", "argv": ["/bin/sh", "-c", "touch /tmp/x"], "env": {}}}),
        RIGHT,
        None,
    ),
    "a kernel named by a script": (
        with_top(metadata={"kernelspec": {"language": "<script>alert(1)</script>\n\n# **R**"}}),
        RIGHT,
        "another kernel (script",
    ),
    "a kernel that is a number": (with_top(metadata={"kernelspec": 3}), RIGHT, None),
    "a language that is a list": (
        with_top(metadata={"kernelspec": {"language": ["python"] * 1000}}),
        RIGHT,
        "another kernel (pyth",
    ),
    "metadata that are a list": (with_top(metadata=[1, 2]), RIGHT, None),
    "metadata that are nothing": (with_top(metadata=None), RIGHT, None),
    # Cells
    "a source that is a number": (with_cell(source=3), SHARE, None),
    "a source that is nothing": (with_cell(source=None), SHARE, None),
    "a source that is a dict": (with_cell(source={"def": 1}), SHARE, None),
    "a source in lines": (with_cell(source=SHARE_SOURCE.splitlines(keepends=True)), RIGHT, None),
    "a source in lines that are none": (
        with_cell(source=[1, None, *SHARE_SOURCE.splitlines(keepends=True), ["x"]]),
        RIGHT,
        None,
    ),
    "no source": (with_cell(source=...), SHARE, None),
    "no kind of cell": (with_cell(cell_type=...), RIGHT, None),
    "a kind of cell that nobody knows": (with_cell(cell_type={"code": 1}), RIGHT, None),
    "an answer as Markdown": (with_cell(cell_type="markdown"), RIGHT, None),
    "an answer as raw text": (with_cell(cell_type="raw"), RIGHT, None),
    "outputs that are no list": (with_cell(outputs={"x": 1}), RIGHT, None),
    "outputs that are nothing": (with_cell(outputs=None, execution_count="three"), RIGHT, None),
    "a cell's metadata that are nothing": (with_cell(metadata=None), SHARE, "share is missing"),
    "a cell's metadata that are a list": (with_cell(metadata=[["nbgrader", {}]]), SHARE, "share is missing"),
    "nbgrader's metadata that are text": (with_cell(metadata={"nbgrader": "share"}), SHARE, "share is missing"),
    "one id for all cells": (with_all(lambda cell: cell.update(id="same")), RIGHT, None),
    "an id that no cell may have": (with_cell(id="<script> \0" * 100), RIGHT, None),
    "one name for all cells": (
        with_all(lambda cell: cell["metadata"].get("nbgrader", {}).update(grade_id="share")),
        BLANK,
        "times: the last counts",
    ),
    # Names
    "a name that is a number": (with_name(3), SHARE, "share is missing"),
    "a name that is a list": (with_name(["share"]), SHARE, "share is missing"),
    "a name in letters that look alike": (with_name("sh\u0430re"), SHARE, "share is missing"),
    "a name in wide letters": (with_name("\uff53hare"), SHARE, "share is missing"),
    "a name with a space": (with_name("share "), SHARE, "share is missing"),
    "a name with a NUL": (with_name("share\0"), SHARE, "share is missing"),
    "a name in capitals": (with_name("SHARE"), SHARE, "share is missing"),
    "a name as long as a book": (with_name("share" * 10**5), SHARE, "share is missing"),
    "a name that is a script": (with_name("<script>alert(1)</script>"), SHARE, "share is missing"),
    # Answers
    "no answer to share": (
        with_cells(lambda cells: [cell for cell in cells if named(cell) != "share"]),
        SHARE,
        "share is missing",
    ),
    "answers twice, the last empty": (
        with_cells(lambda cells: cells + [cell | {"source": ""} for cell in cells if named(cell) == "share"]),
        SHARE,
        "2 times: the last counts",
    ),
    "cells in another order": (with_cells(lambda cells: cells[::-1]), RIGHT, None),
    "half a function": (with_cell(source="def share(part, whole"), SHARE, None),
    "a wrong indent": (with_cell(source="  def share(part, whole):\n return 1\n\t2"), SHARE, None),
    "prose": (with_cell(source="I would divide the part by the whole."), SHARE, None),
    "a cell magic of another language": (with_cell(source="%%R\nshare <- 3"), SHARE, None),
    "a cell magic that nobody knows": (with_cell(source="%%never\n" + SHARE_SOURCE), SHARE, None),
    "a question mark": (with_cell(source="?share"), SHARE, None),
    "a comment only": (with_cell(source="# share"), SHARE, None),
}


@pytest.fixture(scope="module")
def twins(trial) -> dict:
    nothing = scores(marked(blank(TRIAGE), trial.warm))
    assert nothing == {name: 0 for name in FULL}
    assert scores(marked(released(TRIAGE), trial.warm)) == nothing
    return {RIGHT: FULL, BLANK: nothing, SHARE: trial.twin("share")}


@pytest.mark.parametrize("name", CASES)
def test_an_odd_file_is_marked_as_far_as_it_goes(trial, twins, name):
    data, twin, flag = CASES[name]
    result = trial.attack(data() if callable(data) else data, twins[twin])
    check_flags(result, flag)


def check_flags(result, flag: str | None) -> None:
    """The tutor is told in sentences of one line, and nothing where nothing is odd."""
    if flag is None:
        assert not result.flags
    else:
        assert any(flag in told for told in result.flags), result.flags
    for told in result.flags:
        assert told.endswith(".") and "\n" not in told and len(told) < 300
    assert "<script" not in result.notebook.cells[0].source or not result.flags


# In place of the file

PLACES = {
    "no file": lambda path: None,
    "a folder": lambda path: path.mkdir(),
    "a link to the solution": lambda path: path.symlink_to(TRIAGE.folder / "assignment.md"),
    "a link to a right notebook": lambda path: (
        path.with_name("right.ipynb").write_bytes(text(GOOD)),
        path.symlink_to(path.with_name("right.ipynb")),
    ),
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to nowhere": lambda path: path.symlink_to(path.with_name("nowhere")),
    "a link to zeros without end": lambda path: path.symlink_to("/dev/zero"),
    "a pipe": os.mkfifo,
    "a file with holes of a terabyte": lambda path: (path.touch(), os.truncate(path, 2**40)),
}


@pytest.mark.parametrize("name", PLACES)
def test_what_is_no_file_is_not_followed(trial, twins, tmp_path, name):
    """Is it neither read nor waited for, and is a device or a link flagged?"""
    path = tmp_path / "handed-in.ipynb"
    PLACES[name](path)
    result = trial.attack(path, twins[BLANK])
    check_flags(result, "so nothing in it could be marked")


def test_a_socket_and_a_device_in_place_of_the_file_are_flagged(trial, twins, tmp_path):
    """Are they, without a wait?"""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.ipynb"))
        trial.before = trial.state()
        check_flags(trial.attack(tmp_path / "socket.ipynb", twins[BLANK]), "nothing in it could be marked")
    trial.before = trial.state()
    check_flags(trial.attack("/dev/null", twins[BLANK]), "nothing in it could be marked")


NAMES = ["-rf", "two\nlines", "\u202egpj.ipynb", "z" * 255, os.fsdecode(b"\xff\xfe.ipynb"), "a b'\"$(touch x);.ipynb"]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_with_an_odd_name_is_marked(trial, twins, tmp_path, name):
    """Do odd names change nothing?"""
    (tmp_path / name).write_bytes(text(GOOD))
    check_flags(trial.attack(tmp_path / name, twins[RIGHT]), None)


def test_a_notebook_in_memory_that_no_file_can_hold_is_flagged(trial, twins):
    """Is a set or a ring in it no trouble?"""
    ring = copy.deepcopy(GOOD)
    ring["metadata"]["ring"] = ring
    for notebook in (ring, {**GOOD, "metadata": {"set": {1, 2}}}, {**GOOD, "metadata": {1: {(1, 2): 3}}}):
        check_flags(trial.attack(notebook, twins[BLANK]), "no file can hold")


def test_the_digest_is_of_the_bytes(trial):
    """Do two files that differ in a space have other digests, and equal ones the same?"""
    files = [text(GOOD), text(GOOD) + b" ", text(GOOD), b"", b"\0"]
    found = [marked(data, trial.warm).digest for data in files]
    assert found[0] == found[2] and len(set(found)) == 4
    assert all(len(digest) == 64 for digest in found)
