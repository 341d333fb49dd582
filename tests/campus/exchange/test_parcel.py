"""Does a parcel bring files as they were, and nothing else?"""

import hashlib
import json
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campus.exchange.parcel import (
    MANIFEST_BYTES,
    Limits,
    Unpacker,
    check_path,
    describe,
    digest,
    pack,
    read_chunks,
    unpack,
)
from campus.exchange.refusal import Refusal

FEW = Limits(bytes=1000, files=5)
FILES = {"beds.ipynb": b"{}", "data/stays.csv": b"days\n3\n", "data/empty.txt": b""}


@pytest.fixture
def unpacker(tmp_path):
    folder = tmp_path / "arriving"
    folder.mkdir()
    return Unpacker(folder, FEW)


def manifest(*files, **more):
    """A first line with such entries, each with a right hash of its bytes unless told otherwise."""
    entries = [{"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for path, data in files]
    return json.dumps({"files": entries, **more}).encode() + b"\n"


def refused(unpacker, data, status, words):
    """See that the parcel is refused in one sentence, and that nothing of it stays."""
    with pytest.raises(Refusal, match=words) as refusal:
        unpacker.feed(data)
        unpacker.finish()
    unpacker.discard()
    assert refusal.value.status == status and "\n" not in str(refusal.value)
    assert not unpacker.folder.exists()


@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_do_files_arrive_as_they_were_however_they_are_cut(unpacker, step):
    data = pack(FILES)
    for start in range(0, len(data), step):
        unpacker.feed(data[start : start + step])
    parcel = unpacker.finish()
    assert {entry.path: (parcel.folder / entry.path).read_bytes() for entry in parcel.entries} == FILES
    assert b"".join(read_chunks(parcel.folder, parcel.entries)) == data and unpack(data, FEW) == FILES


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}\.[a-z]{1,3}", fullmatch=True), st.binary(max_size=50), min_size=1))
def test_does_any_set_of_files_come_back(files):
    assert unpack(pack(files), Limits(10_000, 1000)) == files


def test_is_the_hash_one_that_an_associate_can_check_with_sha256sum(tmp_path):
    for path, content in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    command = "LC_ALL=C; export LC_ALL; sha256sum $(find * -type f | sort) | sha256sum | cut -c1-64"
    found = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == digest(describe(FILES))


@pytest.mark.parametrize(
    "path",
    [
        "../beds.ipynb",
        "data/../../beds.ipynb",
        "/etc/passwd",
        "data//stays.csv",
        "./beds.ipynb",
        "data/",
        "",
        ".",
        "..",
        "C:\\beds.ipynb",
        "C:beds.ipynb",
        "data\\stays.csv",
        "beds\0.ipynb",
        "beds\n.ipynb",
        "beds\r\nX-Evil: 1",
        "beds\x1b[2J.ipynb",
        "\u202egpj.ipynb",
        "\ud800.ipynb",
        " beds.ipynb",
        "beds.ipynb ",
        "beds.",
        "what?.ipynb",
        "*.ipynb",
        "a/b/c/d/e/f/g/h/i.csv",
        "a" * 201,
    ],
)
def test_is_a_name_that_leads_elsewhere_or_deceives_refused(unpacker, path):
    refused(unpacker, manifest((path, b"")), 422, "is not allowed")


@pytest.mark.parametrize("path", ["beds.ipynb", "data/Aufenthalte für 2026.csv", "a-b_c.1/d.txt", ".hidden"])
def test_is_an_ordinary_name_accepted(path):
    assert check_path(path) == path


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a.csv", "a.csv"),
        ("a.csv", "A.CSV"),
        ("é.csv", "e\u0301.csv"),
        ("data", "data/a.csv"),
        ("data/a.csv", "DATA"),
    ],
)
def test_are_two_names_that_are_one_somewhere_refused(unpacker, first, second):
    refused(unpacker, manifest((first, b""), (second, b"")), 422, "stands there twice")


def test_is_too_much_refused_before_a_byte_of_it_is_taken(unpacker):
    line = json.dumps({"files": [{"path": "a", "size": 10**15, "sha256": "0" * 64}]}).encode() + b"\n"
    refused(unpacker, line, 413, "larger than")


def test_are_too_many_files_refused(unpacker):
    refused(unpacker, manifest(*((f"{n}", b"") for n in range(6))), 413, "6 files, and 5 are allowed")


def test_is_a_first_line_without_end_refused(unpacker):
    refused(unpacker, b"[" * (MANIFEST_BYTES + 1), 413, "first line is longer")


@pytest.mark.parametrize(
    "line",
    [
        b"PK\x03\x04\n",
        b"\x1f\x8b\x08\n",
        b"beds.ipynb 0000777\n",
        b"[" * 100_000 + b"\n",
        b"{}\n",
        b"[]\n",
        b'{"files": {}}\n',
        b'{"files": [3]}\n',
        b'{"files": [{"path": "a", "size": -1, "sha256": "%s"}]}\n' % (b"0" * 64),
        b'{"files": [{"path": "a", "size": true, "sha256": "%s"}]}\n' % (b"0" * 64),
        b'{"files": [{"path": "a", "size": 1e3, "sha256": "%s"}]}\n' % (b"0" * 64),
        b'{"files": [{"path": "a", "size": %s, "sha256": "%s"}]}\n' % (b"9" * 5000, b"0" * 64),
        b'{"files": [{"path": ["a"], "size": 1, "sha256": "%s"}]}\n' % (b"0" * 64),
        b'{"files": [{"path": "a", "size": 1, "sha256": "../../x"}]}\n',
        b'{"files": [{"path": "a", "size": 1}]}\n',
    ],
)
def test_is_anything_else_than_a_parcel_refused(unpacker, line):
    refused(unpacker, line, 400, "is not a parcel")


def test_is_a_parcel_without_files_refused(unpacker):
    refused(unpacker, b'{"files": []}\n', 422, "holds no file")


@pytest.mark.parametrize("cut", [0, 5, -1, -7])
def test_does_a_parcel_that_was_cut_off_leave_nothing(unpacker, cut):
    data = pack(FILES)
    refused(unpacker, data[:cut], 400, "ends before the parcel does")


def test_is_more_than_was_announced_refused(unpacker):
    refused(unpacker, pack(FILES) + b"more", 400, "longer than")


def test_is_a_file_that_changed_on_the_way_refused(unpacker):
    refused(unpacker, pack(FILES).replace(b"days", b"DAYS"), 422, "not the one that its hash names")
    with pytest.raises(Refusal, match="not whole"):
        unpack(pack(FILES).replace(b"days", b"DAYS"), FEW)


def test_can_nothing_else_than_a_plain_file_be_said(unpacker):
    unpacker.feed(manifest(("beds.ipynb", b""), type="symlink", target="/etc/passwd"))
    (entry,) = unpacker.finish().entries
    found = unpacker.folder / entry.path
    assert found.is_file() and not found.is_symlink() and found.stat().st_mode & 0o777 == 0o600
