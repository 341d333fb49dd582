"""Parcels: the files of a release, a submission or a feedback, as they travel and as they reach the disk.

A parcel is one line of JSON, `{"files": [{"path", "size", "sha256"}...]}`, and then the files' bytes in that order.
There are no links, special files, owners, times or compression in it, because there is no way to say them.
"""

import hashlib
import json
import os
import shutil
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from campus.exchange.refusal import Refusal, printable

MEDIA_TYPE = "application/vnd.campus.parcel"
MANIFEST_BYTES = 128 * 1024
PATH_BYTES = 200
DEPTH = 8
CHUNK = 256 * 1024


@dataclass(frozen=True)
class Limits:
    """The most that a parcel may hold."""

    bytes: int
    files: int


SUBMISSION = Limits(bytes=50 * 1024**2, files=200)
RELEASE = Limits(bytes=200 * 1024**2, files=500)
FEEDBACK = Limits(bytes=50 * 1024**2, files=50)


@dataclass(frozen=True)
class Entry:
    """One file of a parcel."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Parcel:
    """Files that lie whole in a folder of their own, with the hash of them all."""

    folder: Path
    entries: tuple[Entry, ...]

    @property
    def sha256(self) -> str:
        return digest(self.entries)

    @property
    def bytes(self) -> int:
        return sum(entry.size for entry in self.entries)


def digest(entries: Iterable[Entry]) -> str:
    """The hash of a set of files: that of the lines which `sha256sum` prints for them, in the order of their paths."""
    lines = sorted((entry.path, entry.sha256) for entry in entries)
    return hashlib.sha256("".join(f"{sha256}  {path}\n" for path, sha256 in lines).encode()).hexdigest()


def describe(files: dict[str, bytes]) -> tuple[Entry, ...]:
    """The entries of files in memory, in the order of their paths."""
    return tuple(Entry(path, len(files[path]), hashlib.sha256(files[path]).hexdigest()) for path in sorted(files))


def write_manifest(entries: Iterable[Entry]) -> bytes:
    """The first line of a parcel."""
    listed = [{"path": entry.path, "size": entry.size, "sha256": entry.sha256} for entry in entries]
    return json.dumps({"files": listed}).encode() + b"\n"


def pack(files: dict[str, bytes]) -> bytes:
    """A parcel of files in memory."""
    entries = describe(files)
    return write_manifest(entries) + b"".join(files[entry.path] for entry in entries)


def read_chunks(folder: Path, entries: Iterable[Entry]) -> Iterator[bytes]:
    """A parcel of files on the disk, piece by piece."""
    yield write_manifest(entries)
    for entry in entries:
        try:
            with (folder / entry.path).open("rb") as file:
                while chunk := file.read(CHUNK):
                    yield chunk
        except FileNotFoundError:
            raise Refusal(
                500, f"The file '{entry.path}' is lost: ask the operator to bring it from a backup."
            ) from None


def read_manifest(line: bytes, limits: Limits) -> tuple[Entry, ...]:
    """The entries that a parcel's first line names, all checked; Refusal says what is wrong."""
    try:
        listed = json.loads(line)["files"]
        if not isinstance(listed, list):
            raise TypeError
        entries = tuple(read_entry(item) for item in listed)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Refusal(
            400, 'The body is not a parcel: its first line is {"files": [{"path", "size", "sha256"}...]} in JSON.'
        ) from None
    check_limits(entries, limits)
    check_names(entries)
    return entries


def read_entry(item: dict) -> Entry:
    """One entry; TypeError, KeyError or ValueError where it is none."""
    path, size, sha256 = item["path"], item["size"], item["sha256"]
    if not (type(path) is str and type(size) is int and type(sha256) is str) or size < 0:
        raise TypeError
    if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
        raise ValueError
    return Entry(check_path(path), size, sha256)


def check_limits(entries: tuple[Entry, ...], limits: Limits) -> None:
    """Refusal of a parcel that holds nothing or too much."""
    if not entries:
        raise Refusal(422, "The parcel holds no file: put at least one into it.")
    if len(entries) > limits.files:
        raise Refusal(413, f"The parcel holds {len(entries)} files, and {limits.files} are allowed: leave some out.")
    total = sum(entry.size for entry in entries)
    if total > limits.bytes:
        raise Refusal(413, too_large(limits))


def too_large(limits: Limits) -> str:
    """The sentence for more bytes than are allowed."""
    return f"This is larger than {limits.bytes // 1024**2} MB, the most that is allowed: leave large files out."


def check_path(path: str) -> str:
    """The path, if it names a file inside any folder on any system; Refusal otherwise."""
    parts = path.split("/")
    bad = (
        not path.isprintable()
        or any(part in ("", ".", "..") or part != part.strip() or part.endswith(".") for part in parts)
        or set(path) & set('\\:*?"<>|')
        or len(path.encode()) > PATH_BYTES
        or len(parts) > DEPTH
    )
    if bad:
        raise Refusal(
            422, f"The file name '{printable(path)}' is not allowed: use letters, digits, spaces, '-', '_' and '.'."
        )
    return path


def check_names(entries: tuple[Entry, ...]) -> None:
    """Refusal where two paths are one on some system, or a file is also a folder."""
    plain = [unicodedata.normalize("NFC", entry.path).casefold() for entry in entries]
    folders = {"/".join(path.split("/")[:depth]) for path in plain for depth in range(1, path.count("/") + 1)}
    seen: set[str] = set()
    for path, entry in zip(plain, entries, strict=True):
        if path in seen or path in folders:
            raise Refusal(422, f"The file name '{printable(entry.path)}' stands there twice: keep one of the two.")
        seen.add(path)


class Unpacker:
    """Writes a parcel into a folder while it arrives; `finish` gives it once all is there, checked, and on the disk."""

    def __init__(self, folder: Path, limits: Limits):
        self.folder = folder
        self.limits = limits
        self.entries: tuple[Entry, ...] | None = None
        self.line = b""
        self.number = 0  # of the entry whose bytes come next
        self.file = None

    def feed(self, data: bytes) -> None:
        """Take the next bytes; Refusal as soon as something is wrong."""
        if self.entries is None:
            line, found, data = (self.line + data).partition(b"\n")
            if len(line) > MANIFEST_BYTES:
                raise Refusal(413, f"The parcel's first line is longer than {MANIFEST_BYTES // 1024} KB.")
            if not found:
                self.line = line
                return
            self.entries = read_manifest(line, self.limits)
            self.open_next()
        while data:
            if self.file is None:
                raise Refusal(400, "The body is longer than the parcel's first line says.")
            piece, data = data[: self.wanted], data[self.wanted :]
            self.file.write(piece)
            self.hash.update(piece)
            self.wanted -= len(piece)
            if not self.wanted:
                self.close_file()
                self.open_next()

    def open_next(self) -> None:
        """Open the next file that has bytes to come; those without are made on the way."""
        while self.number < len(self.entries):
            entry = self.entries[self.number]
            path = self.folder / entry.path
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb")
            self.hash, self.wanted = hashlib.sha256(), entry.size
            if entry.size:
                return
            self.close_file()

    def close_file(self) -> None:
        """End a file, and see that it is what the manifest says."""
        entry = self.entries[self.number]
        self.file.close()
        self.file = None
        if self.hash.hexdigest() != entry.sha256:
            raise Refusal(422, f"The file '{entry.path}' is not the one that its hash names: send it again.")
        self.number += 1

    def finish(self) -> Parcel:
        """The whole parcel, safe on the disk; Refusal where something is missing."""
        if self.entries is None or self.number < len(self.entries):
            raise Refusal(400, "The body ends before the parcel does: send it again.")
        for entry in self.entries:
            sync(self.folder / entry.path)
        for folder in sorted({self.folder, *(path for path in self.folder.rglob("*") if path.is_dir())}):
            sync(folder)
        return Parcel(self.folder, self.entries)

    def discard(self) -> None:
        """Leave nothing behind; may be called at any time and twice."""
        if self.file is not None:
            with suppress(OSError):  # what is still to be written may find no room
                self.file.close()
            self.file = None
        shutil.rmtree(self.folder, ignore_errors=True)


def unpack(data: bytes, limits: Limits) -> dict[str, bytes]:
    """The files of a parcel in memory, all checked."""
    line, _, rest = data.partition(b"\n")
    entries = read_manifest(line, limits)
    files, start = {}, 0
    for entry in entries:
        files[entry.path] = rest[start : start + entry.size]
        start += entry.size
    if start != len(rest) or describe(files) != tuple(sorted(entries, key=lambda entry: entry.path)):
        raise Refusal(400, "The parcel is not whole: fetch it again.")
    return files


def sync(path: Path) -> None:
    """See that a file's content, or a folder's list of names, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
