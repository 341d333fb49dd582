"""What runs inside a sealed process: cells in an IPython shell, calls of what they define, tests of another process.

A frame is four bytes of length and a plain value. The controller asks, the process answers each request once:

- `{"run": source, "show": bool}` runs a cell: `{"error": name or None, "message", "trace": lines of text,
  "lines": numbers of the cell's lines that the error came through, "value": text of the last line's value or None,
  "outputs": what it printed and, if asked to show it, showed}`.
- `{"describe": [name...]}` says what names are: `{name: {"kind": "function"} | {"kind": "value", "value": ...} |
  {"kind": "other", "why": sentence}}`; a name that is not there is left out.
- `{"call": name, "args", "kwargs"}` calls a function: `{"value", "said"}` or `{"error", "message", "said", "trace"}`,
  where `said` is what it printed. An argument is `{"value"}`, or `{"function": number}` where the test hands over a
  function of its own; to call that, the process answers `{"back": number, "args", "kwargs"}` first and gets a
  `{"value"}` or `{"error", "message"}` in return.
- `{"bind": {name: ...}}` gives a test process stand-ins for what the answers define. While it runs a cell it may answer
  `{"ask": {"call": ...}}` first; the controller carries that to the other process and the reply back.
"""

import base64
import builtins
import contextlib
import io
import linecache
import random
import socket
import struct
import sys
import time
from collections.abc import Callable

from autograder.plain import NotPlain, dump, load

LONGEST_FRAME = 64 * 2**20
LONGEST_TEXT = 20_000  # characters of what a cell prints that are kept, and of a value's text
LONGEST_MESSAGE = 4_000
LONGEST_IMAGE = 2 * 2**20
MOST_IMAGES = 8  # of a cell
MOST_OUTPUTS = 200  # of a cell
LONGEST_TRACE = 20  # lines
CELL = "<ipython-input"  # how the names of cells begin where Python names files
SEED = 20_240_101  # the same for each process: what an answer draws does not differ between two markings
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


def receive_frame(end: socket.socket, until: float | None = None) -> bytes:
    """The bytes of the next frame; Gone where there is none before the time `until`, or one that is too long."""
    (length,) = struct.unpack(">I", receive_exactly(end, 4, until))
    if length > LONGEST_FRAME:
        raise Gone(f"a frame of {length} bytes")
    return receive_exactly(end, length, until)


def receive_exactly(end: socket.socket, length: int, until: float | None = None) -> bytes:
    """So many bytes, or Gone; time runs on while bytes drip in."""
    parts = []
    while length:
        try:
            if until is not None:
                end.settimeout(max(0.001, until - time.monotonic()))
            part = end.recv(min(length, 2**20))
        except TimeoutError:
            raise Gone("timed out") from None
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

    random.seed(SEED)
    numpy.random.seed(SEED)
    screen = Screen()
    watch_shell(shell, screen)
    handlers = {
        "run": lambda request: run_cell(shell, screen, request["run"], request.get("show", False)),
        "describe": lambda request: {
            name: describe(shell.user_ns[name]) for name in request["describe"] if name in shell.user_ns
        },
        "call": lambda request: call(end, screen, shell.user_ns.get(request["call"]), request),
        "bind": lambda request: bind(end, shell, request["bind"]),
    }
    with contextlib.suppress(Gone):
        while True:
            request = load(receive_frame(end))
            answer = next(handlers[kind] for kind in handlers if kind in request)(request)
            try:
                send(end, answer)
            except NotPlain as error:
                send(end, {"error": "TypeError", "message": f"{NO_ANSWER} it gave {error.what}.", "said": ""})


class Screen:
    """What a cell prints and shows, in order and up to a limit: in a notebook's form, images as bytes."""

    def __init__(self) -> None:
        self.clear("", True)

    def clear(self, source: str, show: bool) -> None:
        """Begin anew, for a cell of this source."""
        self.source, self.show = source, show
        self.outputs, self.value, self.left, self.images = [], None, LONGEST_TEXT, 0

    def write(self, name: str, text: str) -> None:
        """Text on a stream; beyond the limit it is left out, and that is said once."""
        if not self.left or not text:
            return
        if len(text) >= self.left:
            text, self.left = text[: self.left] + "\n... more text was left out ...\n", 0
        else:
            self.left -= len(text)
        last = self.outputs[-1] if self.outputs else {}
        if last.get("name") == name:
            last["text"].append(text)
        elif len(self.outputs) < MOST_OUTPUTS:
            self.outputs.append({"output_type": "stream", "name": name, "text": [text]})

    def display(self, kind: str, data: dict) -> None:
        """A value or a figure, of which only its text and a PNG image are kept."""
        found = {}
        text, image = data.get("text/plain"), data.get("image/png")
        if isinstance(text, str):
            found["text/plain"] = text[: self.left]
            self.left -= len(found["text/plain"])
        image = base64.b64decode(image) if isinstance(image, str) else image
        if isinstance(image, bytes) and len(image) <= LONGEST_IMAGE and self.images < MOST_IMAGES:
            found["image/png"] = image
            self.images += 1
        if found and len(self.outputs) < MOST_OUTPUTS:
            self.outputs.append({"output_type": kind, "data": found})

    def told(self) -> list[dict]:
        """All outputs, as plain data."""
        return [out | {"text": "".join(out["text"])} if "text" in out else out for out in self.outputs]


class Stream(io.TextIOBase):
    """A stream that writes on the screen."""

    def __init__(self, screen: Screen, name: str) -> None:
        self.screen, self.name = screen, name

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self.screen.write(self.name, text)
        return len(text)


@contextlib.contextmanager
def streams(screen: Screen):
    """Send what is printed to the screen."""
    out, err = Stream(screen, "stdout"), Stream(screen, "stderr")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield


def watch_shell(shell, screen: Screen) -> None:
    """Let a shell put values and figures on the screen, as text and PNG images."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher

    class Hook(DisplayHook):
        """Shows the value of a cell's last line."""

        def quiet(self) -> bool:
            return self.semicolon_at_end_of_expression(screen.source)

        def write_output_prompt(self) -> None:
            pass

        def finish_displayhook(self) -> None:
            pass

        def write_format_data(self, format_dict, md_dict=None) -> None:
            screen.value = format_dict.get("text/plain")
            if screen.show:
                screen.display("execute_result", format_dict)

    class Publisher(DisplayPublisher):
        """Shows what is displayed."""

        def publish(self, data, *args, **kwargs) -> None:
            if screen.show:
                screen.display("display_data", data)

        def clear_output(self, wait=False) -> None:
            screen.outputs.clear()

    shell.displayhook = shell.display_trap.hook = Hook(shell=shell, parent=shell)
    shell.display_pub = Publisher(parent=shell, shell=shell)
    shell.display_formatter.active_types = ["text/plain", "image/png"]


def run_cell(shell, screen: Screen, source: str, show: bool) -> dict:
    """Run a cell; its error and what it printed and showed."""
    screen.clear(source, show)
    close_figures()  # those that a call left open: a kernel shows and closes them with the test
    with streams(screen):
        done = shell.run_cell(source, store_history=False)
    if not show:
        close_figures()
    error = done.error_before_exec or done.error_in_exec
    lines, trace = trace_of(error)
    value = screen.value if isinstance(screen.value, str) else None
    said = {"outputs": screen.told(), "value": value and value[:LONGEST_TEXT], "lines": lines, "trace": trace}
    return {**tell(error), **said}


def close_figures() -> None:
    """Close all figures, if there are any."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None and pyplot.get_fignums():
        with contextlib.suppress(Exception):
            pyplot.close("all")


def tell(error: BaseException | None) -> dict:
    """The name and text of an error; an error whose text cannot be had has none."""
    if error is None:
        return {"error": None, "message": ""}
    try:
        message = str(error)
    except BaseException:  # the learner's own class
        message = ""
    return {"error": str(type(error).__name__)[:100], "message": str(message)[:LONGEST_MESSAGE]}


def trace_of(error: BaseException | None) -> tuple[list[int], list[str]]:
    """The way of an error through cells: numbers of lines in the first cell that it came through, and lines of text."""
    lines, trace, first = [], [], None
    step = error.__traceback__ if error is not None else None
    while step is not None:
        code = step.tb_frame.f_code
        if code.co_filename.startswith(CELL):
            first = first or code.co_filename
            if code.co_filename == first:
                lines.append(step.tb_lineno)
            where = "" if code.co_name == "<module>" else f", in {code.co_name}"
            source = linecache.getline(code.co_filename, step.tb_lineno).strip()
            trace.append(f"line {step.tb_lineno}{where}: {source}"[:300])
        step = step.tb_next
    if len(trace) > LONGEST_TRACE:
        trace = [*trace[: LONGEST_TRACE // 2], "...", *trace[-LONGEST_TRACE // 2 :]]
    return lines[:LONGEST_TRACE], trace


def describe(value: object) -> dict:
    """What a name stands for, as far as it may cross."""
    if callable(value):
        return {"kind": "function"}
    try:
        dump(value)
    except NotPlain as error:
        return {"kind": "other", "why": str(error)}
    return {"kind": "value", "value": value}


def call(end: socket.socket, screen: Screen, function: Callable | None, request: dict) -> dict:
    """Call a function of the answers with plain arguments, or with functions that run in the tests' process."""
    args = [take_argument(end, packed) for packed in request["args"]]
    kwargs = {name: take_argument(end, packed) for name, packed in request["kwargs"].items()}
    screen.clear("", False)
    try:
        with streams(screen):
            value = function(*args, **kwargs)
    except BaseException as error:  # whatever the learner's code raises, SystemExit too
        return {**tell(error), "said": printed(screen.told()), "trace": trace_of(error)[1]}
    return {"value": value, "said": printed(screen.told())}


def printed(outputs: list[dict]) -> str:
    """What was printed, as one text."""
    return "".join(output["text"] for output in outputs if output["output_type"] == "stream")


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
        plain = type(name, (found,), {"__str__": Exception.__str__})  # a KeyError puts its text in quotes
        return next((kind for kind in (found, plain) if takes_text(kind)), type(name, (Exception,), {}))
    return type(name if name.isidentifier() else "Error", (Exception,), {})


def takes_text(kind: type[Exception]) -> bool:
    """Whether an exception can be made from its text alone and says just that."""
    try:
        return str(kind("text")) == "text"
    except Exception:
        return False
