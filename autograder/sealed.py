"""What runs inside a sealed process: cells in an IPython shell, calls of what they define, tests of another process.

A frame is four bytes of length and a plain value. The controller asks, the process answers each request once:

- `{"run": source}` runs a cell: `{"error": name or None, "message", "text": what it printed and showed}`.
- `{"describe": [name...]}` says what names are: `{name: {"kind": "function"} | {"kind": "value", "value": ...} |
  {"kind": "other", "why": sentence}}`; a name that is not there is left out.
- `{"call": name, "args", "kwargs"}` calls a function: `{"value"}` or `{"error", "message"}`. An argument is
  `{"value"}`, or `{"function": number}` where the test hands over a function of its own; to call that, the process
  answers `{"back": number, "args", "kwargs"}` first and gets a `{"value"}` or `{"error", "message"}` in return.
- `{"bind": {name: ...}}` gives a test process stand-ins for what the answers define. While it runs a cell it may answer
  `{"ask": {"call": ...}}` first; the controller carries that to the other process and the reply back.
"""

import builtins
import contextlib
import io
import random
import socket
import struct
from collections.abc import Callable

from autograder.plain import NotPlain, dump, load

LONGEST_FRAME = 64 * 2**20
LONGEST_TEXT = 20_000  # characters of what a cell prints that are kept
NO_ANSWER = "Only numbers, text, lists, dictionaries, arrays, tables and graphs can be marked;"
NEVER_RAISED = (SystemExit, KeyboardInterrupt, GeneratorExit)


class Gone(Exception):
    """The other end of the socket is closed, too slow, or sends what is no frame."""


def send(end: socket.socket, value: object) -> None:
    """Send a plain value as one frame."""
    send_frame(end, dump(value))


def send_frame(end: socket.socket, data: bytes) -> None:
    """Send bytes as one frame."""
    try:
        end.sendall(struct.pack(">I", len(data)) + data)
    except OSError as error:
        raise Gone(str(error)) from None


def receive_frame(end: socket.socket) -> bytes:
    """The bytes of the next frame; Gone where there is none, or one that is too long."""
    (length,) = struct.unpack(">I", receive_exactly(end, 4))
    if length > LONGEST_FRAME:
        raise Gone(f"a frame of {length} bytes")
    return receive_exactly(end, length)


def receive_exactly(end: socket.socket, length: int) -> bytes:
    """So many bytes, or Gone."""
    parts = []
    while length:
        try:
            part = end.recv(min(length, 2**20))
        except OSError as error:
            raise Gone(str(error)) from None
        if not part:
            raise Gone("closed")
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def serve_cells(end: socket.socket, shell) -> None:
    """Answer requests until the controller closes its end."""
    import numpy

    random.seed()
    numpy.random.seed()
    handlers = {
        "run": lambda request: run_cell(shell, request["run"]),
        "describe": lambda request: {
            name: describe(shell.user_ns[name]) for name in request["describe"] if name in shell.user_ns
        },
        "call": lambda request: call(end, shell.user_ns.get(request["call"]), request),
        "bind": lambda request: bind(end, shell, request["bind"]),
    }
    with contextlib.suppress(Gone):
        while True:
            request = load(receive_frame(end))
            answer = next(handlers[kind] for kind in handlers if kind in request)(request)
            try:
                send(end, answer)
            except NotPlain as error:
                send(end, {"error": "TypeError", "message": f"{NO_ANSWER} it gave {error.what}."})


def run_cell(shell, source: str) -> dict:
    """Run a cell; its error and the text that it printed and showed."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        done = shell.run_cell(source, store_history=False)
        text = said.getvalue()
    error = done.error_before_exec or done.error_in_exec
    return {**tell(error), "text": text[:LONGEST_TEXT]}


def tell(error: BaseException | None) -> dict:
    """The name and text of an error; an error whose text cannot be had has none."""
    if error is None:
        return {"error": None, "message": ""}
    try:
        message = str(error)
    except BaseException:  # the learner's own class
        message = ""
    return {"error": str(type(error).__name__), "message": str(message)[:LONGEST_TEXT]}


def describe(value: object) -> dict:
    """What a name stands for, as far as it may cross."""
    if callable(value):
        return {"kind": "function"}
    try:
        dump(value)
    except NotPlain as error:
        return {"kind": "other", "why": str(error)}
    return {"kind": "value", "value": value}


def call(end: socket.socket, function: Callable | None, request: dict) -> dict:
    """Call a function of the answers with plain arguments, or with functions that run in the tests' process."""
    said = io.StringIO()
    args = [take_argument(end, packed) for packed in request["args"]]
    kwargs = {name: take_argument(end, packed) for name, packed in request["kwargs"].items()}
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            value = function(*args, **kwargs)
    except BaseException as error:  # whatever the learner's code raises, SystemExit too
        return tell(error)
    return {"value": value}


def take_argument(end: socket.socket, packed: dict) -> object:
    """An argument as the test gave it; a function of the test's becomes one that calls back."""
    if "value" in packed:
        return packed["value"]

    def call_back(*args, **kwargs):
        send(end, {"back": packed["function"], "args": list(args), "kwargs": kwargs})
        return take_reply(load(receive_frame(end)))

    return call_back


def take_reply(reply: dict) -> object:
    """The value of a reply, or its error raised."""
    if "value" in reply:
        return reply["value"]
    raise error_named(reply["error"])(reply["message"])


# In the process of the tests


def bind(end: socket.socket, shell, names: dict) -> dict:
    """Put stand-ins for what the answers define into the namespace of the tests."""
    for name, found in names.items():
        if found is None:
            shell.user_ns.pop(name, None)
        elif found["kind"] == "function":
            shell.user_ns[name] = stand_in(end, name)
        elif found["kind"] == "value":
            shell.user_ns[name] = found["value"]
        else:
            shell.user_ns[name] = None
    return {"bound": len(names)}


def stand_in(end: socket.socket, name: str) -> Callable:
    """A function that runs in the other process and looks to the tests as if it ran here."""

    def ask(*args, **kwargs):
        functions = []
        packed = [pack_argument(value, functions) for value in args]
        named = {key: pack_argument(value, functions) for key, value in kwargs.items()}
        send(end, {"ask": {"call": name, "args": packed, "kwargs": named}})
        while "back" in (reply := load(receive_frame(end))):
            send(end, answer_back(functions, reply))
        return take_reply(reply)

    ask.__name__ = ask.__qualname__ = name
    return ask


def pack_argument(value: object, functions: list[Callable]) -> dict:
    """An argument as it crosses; a function stays here and is known by its number."""
    if not callable(value):
        return {"value": value}
    functions.append(value)
    return {"function": len(functions) - 1}


def answer_back(functions: list[Callable], asked: dict) -> dict:
    """Call the test's own function for the answers, with what they gave it."""
    try:
        value = functions[asked["back"]](*asked["args"], **asked["kwargs"])
        dump(value)
    except Exception as error:
        return tell(error)
    return {"value": value}


def error_named(name: str) -> type[Exception]:
    """The built-in exception of that name, or a new one; never one that ends a program, or a test's map or loop."""
    found = getattr(builtins, name, None)
    ends = (*NEVER_RAISED, StopIteration, StopAsyncIteration)
    if isinstance(found, type) and issubclass(found, Exception) and not issubclass(found, ends):
        return found if takes_text(found) else type(name, (Exception,), {})
    return type(name if name.isidentifier() else "Error", (Exception,), {})


def takes_text(kind: type[Exception]) -> bool:
    """Whether an exception can be made from its text alone and says just that."""
    try:
        return str(kind("text")) == "text"
    except Exception:
        return False
