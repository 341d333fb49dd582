"""How values cross between the process that runs a learner's code and the process that runs the author's tests.

`dump` turns a plain value into bytes and `load` makes an equal value from them. The sender is not trusted: `load`
builds nothing but the types named here, from validated parts. It never unpickles, evaluates or imports what the bytes
name, and calls no code of the sender's. `load` is the wall; `dump` is polite: it says in a sentence what cannot cross.

Format: the two bytes `P1`, then one value. A value is one byte, its tag, and a body. Numbers are little-endian; a count
is 4 bytes, a dimension 8, text UTF-8 in which lone surrogates are allowed.

| tag | value | body |
| --- | --- | --- |
| `N` `T` `F` `E` | None, True, False, Ellipsis | nothing |
| `i` | int | count of bytes, two's complement |
| `f` `c` | float, complex | 8 or 16 bytes |
| `s` `b` | str, bytes | count of bytes, bytes |
| `l` `t` `S` `Z` | list, tuple, set, frozenset | a run |
| `d` | dict | a run of keys, a run of values |
| `a` | numpy array | name of its dtype (1 byte of length), dimensions (1 byte of how many), elements in C order |
| `n` | numpy scalar | name of its dtype, one element |
| `o` | numpy array of objects | dimensions, a run |
| `x` | anything else | name (1 byte of length), a run of parts; `MAKERS` lists the names |

A run is many values: a count, a byte, and a body: `d` floats of 8 bytes, `q` integers of 8 bytes, `n` numpy scalars of
one dtype (its name, the elements), `s` texts (their lengths in characters, 4 bytes each; a count of bytes; the texts
joined), `*` tagged values. The elements of a set are sorted by their bytes. Equal values of equal types give equal
bytes; the order of a dict is part of it.

What becomes something else on the way:
- An instance of a class of the learner's own that inherits from int, float, complex, str, bytes, list, tuple, dict,
  set, frozenset or deque becomes the base value, read from the base type's storage: no method of the learner's is
  called.
- A named tuple becomes `Named`: a tuple whose items still answer to their names.
- A `defaultdict` keeps its factory if that is a built-in type, and otherwise has none.
- A matplotlib figure or its axes becomes the dict that `describe_figure` makes.
- A pandas object loses `attrs`, a freq that no short text names, and the freq of more than `FREQ_ROWS` rows.
- An object that stands in several places is repeated; cycles are refused.
"""

import collections
import datetime
import decimal
import fractions
import functools
import graphlib
import keyword
import math
import re
import struct
import sys
import time
import warnings
import zoneinfo
from collections.abc import Callable, Iterable
from itertools import chain, pairwise

import networkx as nx
import numpy as np
import pandas as pd

MAX_BYTES = 64 * 2**20  # of one dumped value
MAX_MEMORY = 256 * 2**20  # what the values in it are reckoned to take once loaded; really at most twice as much
MAX_SECONDS = 10.0  # of CPU, for one dump or one load; honest values need hundredths
MAX_DEPTH = 100  # containers inside containers
MAX_INT_BYTES = 2**20
MAX_EXACT_BYTES = 4096  # of the digits of a Decimal, or of either part of a Fraction
MAX_EXPONENT = 2_000_000  # of a Decimal
MAX_ROWS = 10_000_000  # of a RangeIndex, which takes no room until it is used
FREQ_ROWS = 100_000  # a freq must be checked against its index, date by date
MAX_DIMENSIONS = 32  # of an array
MAX_SAME_HASH = 100  # keys of one dict, or elements of one set, whose hashes are equal

MAGIC = b"P1"
PLAIN = (
    "only plain data can be marked: numbers, text, lists, tuples, dicts, sets, dates, arrays, data frames, graphs "
    "and figures"
)
COUNT = struct.Struct("<I")
DOUBLE = struct.Struct("<d")
PAIR = struct.Struct("<dd")
ITEM, CONTAINER, COLUMN, TABLE = 64, 256, 4096, 16384  # reckoned memory: a value; a dict, set or the like; of pandas
TICK = 2**20  # the clock is looked at once in so much reckoned memory


class NotPlain(TypeError):
    """A value that cannot cross. `what` says which and where, as in "a dict whose value at 'x' is a function"."""

    def __init__(self, thing: str, reason: str = PLAIN, everywhere: bool = False) -> None:
        super().__init__(thing)
        self.thing, self.reason, self.everywhere, self.steps = thing, reason, everywhere, []

    def inside(self, step: str) -> None:
        """Note what the thing is in, from the inside out: "a list whose item [0] is"."""
        if not self.everywhere:
            self.steps.insert(0, step)

    @property
    def what(self) -> str:
        steps = self.steps if len(self.steps) < 5 else [*self.steps[:2], "...", self.steps[-1]]
        return " ".join([*steps, self.thing])

    def __str__(self) -> str:
        return f"This is {self.what}; {self.reason}."


class BadData(ValueError):
    """Bytes that `dump` did not make, or that ask for more memory or time than one value may have."""


class Named(tuple):
    """A named tuple that crossed: a tuple whose items also answer to the names of its fields."""

    _name, _fields = "Named", ()

    def __new__(cls, name: str, fields: tuple[str, ...], values: Iterable) -> "Named":
        self = super().__new__(cls, values)
        self._name, self._fields = name, fields
        return self

    def __getattr__(self, field: str) -> object:
        if field in self._fields:
            return self[self._fields.index(field)]
        raise AttributeError(f"{self._name} has no field '{field}'")

    def __getnewargs__(self) -> tuple:
        return self._name, self._fields, tuple(self)

    def __repr__(self) -> str:
        return f"{self._name}({', '.join(f'{field}={value!r}' for field, value in self._asdict().items())})"

    def _asdict(self) -> dict:
        return dict(zip(self._fields, self, strict=True))


def dump(value: object) -> bytes:
    """The bytes of a plain value. NotPlain on any other, and on one that is too large, too deep or contains itself."""
    writer = Writer()
    try:
        writer.value(value)
        writer.check()
    except NotPlain:
        raise
    except RecursionError:
        raise NotPlain(*TOO_DEEP) from None
    except MemoryError:
        raise NotPlain(*TOO_LARGE) from None
    except Exception as error:
        name = type(error).__name__
        raise NotPlain(f"{describe(value)} that cannot be read ({name})", "give it as plain data", True) from error
    return bytes(writer.out)


def load(data: bytes) -> object:
    """The value that `dump` made these bytes from. BadData on any others. Stays within the limits above."""
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise BadData(f"Expected bytes, got {type(data).__name__}.")
    if len(data) > MAX_BYTES:
        raise BadData(f"The data have {len(data)} bytes; one value may have {MAX_BYTES}.")
    reader = Reader(bytes(data))
    try:
        if reader.take(len(MAGIC)) != MAGIC:
            raise BadData("The data do not start with the mark of this format.")
        with warnings.catch_warnings(action="ignore"):  # what pandas has to say of odd data is for nobody
            value = reader.value()
    except BadData:
        raise
    except Exception as error:  # a library refuses parts that are of the right types and yet make no value
        raise BadData(f"The data make no value near byte {reader.at} ({type(error).__name__}).") from error
    if reader.at != len(reader.data):
        raise BadData(f"The data go on after the value's end at byte {reader.at}.")
    return value


# What both sides reckon


class Budget:
    """Memory and CPU time that one value may still take. Both sides reckon alike: what `dump` lets go, `load` takes."""

    def __init__(self) -> None:
        self.left, self.depth, self.mark = MAX_MEMORY, 0, MAX_MEMORY - TICK
        self.deadline = time.thread_time() + MAX_SECONDS

    def spend(self, cost: int) -> None:
        self.left -= cost
        if self.left < self.mark:
            self.mark = self.left - TICK
            self.check()

    def check(self) -> None:
        if self.left < 0 or time.thread_time() > self.deadline:
            self.too_large()

    def too_large(self) -> None:
        raise NotImplementedError


TOO_LARGE = (
    "too large to be marked",
    f"one value may take {MAX_BYTES // 2**20} MiB when it is sent and {MAX_MEMORY // 2**20} MiB in memory",
    True,
)
TOO_EXACT = (
    "a Decimal or Fraction with too many digits to be marked",
    f"it may have {MAX_EXACT_BYTES} digits and an exponent of {MAX_EXPONENT}",
)
TOO_DEEP = ("nested too deep to be marked", f"one value may have {MAX_DEPTH} levels", True)


# Writing


def bases(kind: type) -> tuple[type, ...]:
    """The classes that a class inherits from, asked of `type` itself."""
    return type.__dict__["__mro__"].__get__(kind)


def class_name(kind: type) -> str:
    return str.__str__(type.__dict__["__name__"].__get__(kind))[:60]


def article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


KINDS = {
    "function": "a function",
    "builtin_function_or_method": "a function",
    "method": "a method",
    "module": "a module",
    "NoneType": "None",
    "ndarray": "an array",
}
SEQUENCES = {"generator", "map", "zip", "filter", "dict_keys", "dict_values", "dict_items", "enumerate", "reversed"}


def describe(value: object) -> str:
    """What a value is, in words, without asking it."""
    kind = type(value)
    if any(base is type for base in bases(kind)):
        return "a class"
    name = class_name(kind)
    if id(kind) in WRITE or name in KINDS or name in SEQUENCES:
        return KINDS.get(name) or article(name)
    return f"{article(name)} object"


def short(value: object) -> str:
    """A key or label as it is written in Python, if that is short; never by a method of the learner's."""
    if id(type(value)) in SIMPLE:
        text = repr(value) if type(value) is str and value.isprintable() else ascii(value)
        return text if len(text) <= 40 else text[:36] + "..."
    return describe(value)


class Writer(Budget):
    """Appends values to `out`."""

    def __init__(self) -> None:
        super().__init__()
        self.out = bytearray(MAGIC)
        self.path = set()  # ids of the containers we are in
        self.rebuilt = 0  # values of the learner's own classes so far

    def too_large(self) -> None:
        raise NotPlain(*TOO_LARGE)

    def check(self) -> None:
        super().check()
        if len(self.out) > MAX_BYTES:
            self.too_large()

    def value(self, value: object) -> None:
        write = WRITE.get(id(type(value)))
        if write is None:
            write = self.rebuild(value)
        write(self, value)

    def rebuild(self, value: object) -> Callable:
        """How to write an instance of a class that is not plain itself: as its base type, or as a figure."""
        kinds = bases(type(value))
        for kind in kinds:
            if id(kind) in BASES:
                self.rebuilt += 1
                return BASES[id(kind)]
        if any(kind is drawn for kind in kinds for drawn in drawn_types()):
            return write_figure
        name = class_name(type(value))
        if name in SEQUENCES:
            raise NotPlain(describe(value), "list(...) makes plain data of it")
        raise NotPlain(describe(value))

    def enter(self, value: object) -> None:
        if id(value) in self.path:
            raise NotPlain(f"{describe(value)} that contains itself", "plain data come to an end")
        if self.depth >= MAX_DEPTH:
            raise NotPlain(*TOO_DEEP)
        self.path.add(id(value))
        self.depth += 1

    def leave(self, value: object) -> None:
        self.path.discard(id(value))
        self.depth -= 1

    def sized(self, raw: bytes) -> None:
        if len(self.out) + len(raw) > MAX_BYTES:
            self.too_large()
        self.out += COUNT.pack(len(raw))
        self.out += raw

    def run(self, items: list, owner: object, where: Callable[[int], str]) -> None:
        """Many values; `where` names the place of one for the sentence if it is not plain."""
        self.spend(ITEM * len(items))
        self.out += COUNT.pack(len(items))
        kinds = set(map(id, map(type, items)))
        if len(kinds) == 1 and self.pack(items, kinds.pop()):
            return
        self.out += b"*"
        i = 0
        try:
            for i, item in enumerate(items):  # noqa: B007
                self.value(item)
        except NotPlain as error:
            error.inside(f"{describe(owner)} {where(i)}")
            raise

    def pack(self, items: list, kind: int) -> bool:
        """Write a run of values of one type (its id) in its short form, if that type has one."""
        if kind == id(float):
            self.out += b"d" + np.array(items, "<f8").tobytes()
        elif kind == id(int):
            try:
                self.out += b"q" + np.array(items, "<i8").tobytes()
            except OverflowError:
                return False
        elif kind == id(str):
            raw = "".join(items).encode("utf-8", "surrogatepass")
            self.out += b"s" + np.fromiter(map(len, items), "<u4", len(items)).tobytes()
            self.spend(4 * len(raw))
            self.sized(raw)
        elif kind in PACKED:
            self.out += b"n"
            self.elements(np.array(items, PACKED[kind]))
        else:
            return False
        return True

    def elements(self, array: np.ndarray, shape: tuple[int, ...] | None = None) -> None:
        """The name of the dtype, the shape if one is given, the elements."""
        dtype = array.dtype
        if not DTYPE.fullmatch(dtype.str) or dtype.itemsize == 0:
            raise NotPlain(f"an array of type {str(dtype)[:60]}")
        self.spend(CONTAINER + 2 * array.nbytes)
        if array.nbytes > MAX_BYTES:  # before the copy: an array of strides 0 is larger than it looks
            self.too_large()
        name = dtype.str.encode()
        self.out += bytes([len(name)]) + name
        if shape is not None:
            self.shape(shape)
        raw = array.tobytes()
        self.out += blank_padding(raw) if is_extended(dtype) else raw

    def head(self, name: str, parts: int) -> None:
        """The start of a value that is made of parts."""
        self.spend(COSTS.get(name, CONTAINER) + ITEM * parts)
        raw = name.encode()
        self.out += b"x" + bytes([len(raw)]) + raw + COUNT.pack(parts) + b"*"

    def shape(self, shape: tuple[int, ...]) -> None:
        if max(shape, default=0) > MAX_BYTES or len(shape) > MAX_DIMENSIONS:
            self.too_large()
        self.out += bytes([len(shape)]) + struct.pack(f"<{len(shape)}Q", *shape)


def write_constant(tag: bytes) -> Callable:
    def write(writer: Writer, value: object) -> None:
        writer.out += tag

    return write


def write_int(writer: Writer, value: int) -> None:
    number = int.__int__(value)
    size = number.bit_length() // 8 + 1
    if size > MAX_INT_BYTES:
        writer.too_large()
    writer.out += b"i"
    writer.spend(size)
    writer.sized(number.to_bytes(size, "little", signed=True))


def write_float(writer: Writer, value: float) -> None:
    writer.out += b"f"
    writer.out += DOUBLE.pack(float.__float__(value))


def write_complex(writer: Writer, value: complex) -> None:
    number = complex.__complex__(value)
    writer.out += b"c"
    writer.out += PAIR.pack(number.real, number.imag)


def write_str(writer: Writer, value: str) -> None:
    raw = str.__str__(value).encode("utf-8", "surrogatepass")
    writer.out += b"s"
    writer.spend(4 * len(raw))
    writer.sized(raw)


def write_bytes(writer: Writer, value: bytes) -> None:
    writer.out += b"b"
    writer.spend(bytes.__len__(value))
    writer.sized(bytes.__getitem__(value, slice(None)))


def write_sequence(tag: bytes, kind: type) -> Callable:
    def write(writer: Writer, value: list | tuple) -> None:
        writer.enter(value)
        writer.out += tag
        writer.run([*kind.__iter__(value)], value, "whose item [{}] is".format)
        writer.leave(value)

    return write


write_tuple = write_sequence(b"t", tuple)


def write_named(writer: Writer, value: tuple) -> None:
    """A tuple of a class of its own: by the names of its fields, if it has them."""
    name, fields = fields_of(type(value))
    if fields and len(fields) == tuple.__len__(value):
        write_parts(writer, value, "namedtuple", (name, fields, [*tuple.__iter__(value)]))
    else:
        write_tuple(writer, value)


def fields_of(kind: type) -> tuple[str, tuple]:
    """The name and the fields of a class of named tuples, read from the classes' own dicts."""
    for base in bases(kind)[:-2]:
        fields = type.__dict__["__dict__"].__get__(base).get("_fields")
        if type(fields) is tuple and all(type(field) is str and is_field(field) for field in fields):
            return class_name(kind), fields
    return "", ()


def is_field(name: str) -> bool:
    return name.isidentifier() and not name.startswith("_") and not keyword.iskeyword(name)


def write_set(tag: bytes, kind: type) -> Callable:
    def write(writer: Writer, value: set | frozenset) -> None:
        items = [*kind.__iter__(value)]
        writer.enter(value)
        writer.spend(CONTAINER + 3 * ITEM * len(items))
        rebuilt, out, encoded = writer.rebuilt, writer.out, []
        try:
            for item in items:
                writer.out = bytearray()
                writer.value(item)
                encoded.append(bytes(writer.out))
        except NotPlain as error:
            error.inside(f"{describe(value)} that holds")
            raise
        finally:
            writer.out = out
        run = COUNT.pack(len(items)) + b"*" + b"".join(sorted(encoded))
        if writer.rebuilt > rebuilt:
            refuse_equal(value, run)
        writer.out += tag + run
        writer.check()
        writer.leave(value)

    return write


def write_dict(writer: Writer, value: dict) -> None:
    items = [*(collections.OrderedDict if type(value) is collections.OrderedDict else dict).items(value)]
    keys = [key for key, _ in items]
    writer.enter(value)
    writer.spend(CONTAINER + ITEM * len(items))
    writer.out += b"d"
    rebuilt, start = writer.rebuilt, len(writer.out)
    writer.run(keys, value, lambda i: "with a key that is")
    if writer.rebuilt > rebuilt:
        refuse_equal(value, bytes(writer.out[start:]))
    writer.run([item for _, item in items], value, lambda i: f"whose value at {short(keys[i])} is")
    writer.leave(value)


def refuse_equal(value: object, run: bytes) -> None:
    """NotPlain if keys of the learner's own classes are no longer different once they are plain."""
    keys = load(MAGIC + b"t" + run)
    if len(set(keys)) < len(keys):
        raise NotPlain(f"{describe(value)} with keys that differ only by methods of their own class")


def write_mapping(name: str) -> Callable:
    def write(writer: Writer, value: dict) -> None:
        writer.head(name, 2)
        writer.value(FACTORY_NAMES.get(id(value.default_factory)) if name == "defaultdict" else None)
        writer.depth += 1
        write_dict(writer, value)
        writer.depth -= 1

    return write


def write_array(writer: Writer, value: np.ndarray) -> None:
    if value.dtype.kind != "O":
        writer.out += b"a"
        writer.elements(value, value.shape)
        return
    writer.enter(value)
    writer.spend(CONTAINER)
    writer.out += b"o"
    writer.shape(value.shape)
    writer.run([*value.flat], value, lambda i: "that holds")
    writer.leave(value)


def write_scalar(writer: Writer, value: np.generic) -> None:
    writer.out += b"n"
    writer.elements(np.asarray(value))


# Byte order, kind and size of an element, unit of a date or duration.
DTYPE = re.compile(
    r"\|b1|\|[iu]1|[<>][iu][248]|[<>]f[248]|[<>]c(8|16)|<f16|<c32|\|S[0-9]{1,6}|[<>]U[0-9]{1,6}"
    r"|[<>][mM]8(\[[0-9]{0,9}(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?"
)


def is_extended(dtype: np.dtype) -> bool:
    """Is it the 80-bit long double of x86 processors, in 16 bytes of which 6 mean nothing?"""
    return dtype.kind in "fc" and dtype.char in "gG" and np.finfo(np.longdouble).nmant == 63


def blank_padding(raw: bytes) -> bytes:
    words = np.frombuffer(raw, "<u8").copy()
    words[1::2] &= 0xFFFF
    return words.tobytes()


def write_parts(writer: Writer, value: object, name: str, parts: tuple, where: Callable | None = None) -> None:
    writer.enter(value)
    writer.head(name, len(parts))
    i = 0
    try:
        for i, part in enumerate(parts):  # noqa: B007
            writer.value(part)
    except NotPlain as error:
        error.steps.clear()
        error.inside(f"{describe(value)} {where(i) if where else 'that holds'}")
        raise
    writer.leave(value)


def write_as(name: str, parts: Callable[[object], tuple]) -> Callable:
    def write(writer: Writer, value: object) -> None:
        write_parts(writer, value, name, parts(value))

    return write


def write_frame(writer: Writer, frame: pd.DataFrame) -> None:
    labels = frame.columns
    columns = [column_of(frame.iloc[:, i].array) for i in range(len(labels))]
    writer.spend(COLUMN * len(columns))

    def where(i: int) -> str:
        return f"whose column {short(labels[i - 2])} holds" if i > 1 else "that holds"

    write_parts(writer, frame, "DataFrame", (frame.index, labels, *columns), where)


def column_of(array: object) -> object:
    """The numpy array of a column that is one, or the pandas array that it is."""
    if type(array) is pd.arrays.NumpyExtensionArray:
        return array.to_numpy()
    if type(array) is pd.arrays.TimedeltaArray or (type(array) is pd.arrays.DatetimeArray and array.tz is None):
        return np.asarray(array)
    return array


def index_parts(index: pd.Index) -> tuple:
    freq = getattr(index, "freq", None) if type(index) in (pd.DatetimeIndex, pd.TimedeltaIndex) else None
    return column_of(index.array), index.name, None if freq is None else freq_text(freq, len(index))


def freq_text(freq: object, rows: int) -> str | None:
    """The short text that names a frequency, if there is one that does."""
    text = freq.freqstr
    try:
        same = rows <= FREQ_ROWS and bool(FREQ.fullmatch(text)) and pd.tseries.frequencies.to_offset(text) == freq
    except ValueError:
        same = False
    return text if same else None


FREQ = re.compile(r"-?[0-9]{0,9}[A-Za-z]{1,5}(-[A-Z]{3})?")


def zone_parts(zone: zoneinfo.ZoneInfo) -> tuple:
    if type(zone.key) is not str:
        raise NotPlain("a time zone without a name")
    return (zone.key,)


def stamp_parts(stamp: pd.Timestamp) -> tuple:
    return int(stamp.asm8.view("i8")), stamp.unit, stamp.tzinfo


def range_index_parts(index: pd.RangeIndex) -> tuple:
    if len(index) > MAX_ROWS:
        raise NotPlain(*TOO_LARGE)
    return index.start, index.stop, index.step, index.name


def string_parts(array: object) -> tuple:
    missing = np.asarray(array.isna(), dtype=bool)
    texts = array.to_numpy(dtype=object).copy()
    texts[missing] = ""
    texts = [text if type(text) is str else str.__str__(text) for text in texts]
    return array.dtype.storage, array.dtype.na_value is pd.NA, texts, missing


def masked_parts(array: object) -> tuple:
    missing = np.asarray(array.isna(), dtype=bool)
    return array.to_numpy(dtype=array.dtype.numpy_dtype, na_value=0), missing


def decimal_parts(number: decimal.Decimal) -> tuple:
    if len(number.as_tuple().digits) > MAX_EXACT_BYTES or abs(number.adjusted()) > MAX_EXPONENT:
        raise NotPlain(*TOO_EXACT)
    return (str(number),)


def fraction_parts(number: fractions.Fraction) -> tuple:
    top, bottom = int.__int__(number._numerator), int.__int__(number._denominator)
    if max(top.bit_length(), bottom.bit_length()) > 8 * MAX_EXACT_BYTES:
        raise NotPlain(*TOO_EXACT)
    return top, bottom


def graph_parts(graph: nx.Graph) -> tuple:
    """Attributes, nodes, edges; edges in an order that gives each node its neighbours in their order."""
    nodes = [*dict.keys(graph._node)]
    labels = {id(node): plain_key(node) for node in nodes}
    position = {label: i for i, label in enumerate(labels.values())}

    def place(key: object) -> int:
        return position[labels[id(key)] if id(key) in labels else plain_key(key)]

    if len(position) < len(nodes):
        raise NotPlain(f"{describe(graph)} with nodes that differ only by methods of their own class", PLAIN, True)
    directed, multi = graph.is_directed(), graph.is_multigraph()
    held, orders = {}, []
    for i, (_, near) in enumerate(dict.items(graph._adj)):
        order = []
        for key, edge in near.items():
            j = place(key)
            pair = (i, j) if directed or i <= j else (j, i)
            order.append(pair)
            held.setdefault(pair, (i, j, edge))
        orders.append(order)
    if directed:
        orders += [[(place(key), i) for key in near] for i, near in enumerate(graph._pred.values())]
    edges = [held[pair] for pair in in_order(held, orders)]
    if multi:
        edges = [(i, j, key, attributes) for i, j, keyed in edges for key, attributes in keyed.items()]
    starts, ends = [edge[0] for edge in edges], [edge[1] for edge in edges]
    keys = [edge[2] if multi else None for edge in edges]
    return graph.graph, nodes, [*graph._node.values()], starts, ends, keys, [edge[-1] for edge in edges]


def write_graph(name: str) -> Callable:
    def write(writer: Writer, graph: nx.Graph) -> None:
        try:
            parts = graph_parts(graph)
        except NotPlain as error:
            error.steps.clear()
            error.inside(f"{describe(graph)} with a node that is")
            raise
        writer.spend(512 * (len(parts[1]) + len(parts[3])))
        write_parts(writer, graph, name, parts)

    return write


def in_order(pairs: Iterable, orders: list[list]) -> Iterable:
    """The pairs in an order that all the given orders agree with; as they came if there is none."""
    sorter = graphlib.TopologicalSorter({pair: () for pair in pairs})
    for before, after in chain.from_iterable(map(pairwise, orders)):
        sorter.add(after, before)
    try:
        return [*sorter.static_order()]
    except graphlib.CycleError:
        return pairs


def plain_key(key: object) -> object:
    """The key itself, or the plain value of one whose class may have a hash of its own."""
    return key if is_exact(key) else load(dump(key))


def is_exact(key: object) -> bool:
    kind = type(key)
    return id(kind) in SIMPLE or (kind is tuple and all(map(is_exact, key)))


def write_figure(writer: Writer, value: object) -> None:
    writer.value(describe_figure(value))


SIMPLE = {id(kind) for kind in (str, int, float, bool, type(None))}
FACTORIES = {kind.__name__: kind for kind in (int, float, complex, str, bool, list, tuple, dict, set)}
FACTORY_NAMES = {id(kind): name for name, kind in FACTORIES.items()}
MASKED = {"IntegerArray", "FloatingArray", "BooleanArray"}
STRINGS = [pd.arrays.StringArray, *([pd.arrays.ArrowStringArray] if hasattr(pd.arrays, "ArrowStringArray") else [])]
SCALARS = [np.dtype(code).type for code in "?bBhHiIlLqQefdgFDGMm"]
PACKED = {id(kind): np.dtype(kind) for kind in SCALARS[:-2]}  # dates and durations have units of their own
TABLES = {"Series", "DataFrame", "Index", "RangeIndex", "MultiIndex", "Categorical", "StringArray", *MASKED}
TABLES |= {f"{kind}Array" for kind in ("NumpyExtension", "Datetime", "Timedelta", "Period", "Interval")}
COSTS = {**dict.fromkeys(TABLES, TABLE), "deque": 1280}
GRAPHS = {"Graph": nx.Graph, "DiGraph": nx.DiGraph, "MultiGraph": nx.MultiGraph, "MultiDiGraph": nx.MultiDiGraph}


PARTS = {
    datetime.date: ("date", lambda v: (v.year, v.month, v.day)),
    datetime.datetime: (
        "datetime",
        lambda v: (v.year, v.month, v.day, v.hour, v.minute, v.second, v.microsecond, v.fold, v.tzinfo),
    ),
    datetime.time: ("time", lambda v: (v.hour, v.minute, v.second, v.microsecond, v.fold, v.tzinfo)),
    datetime.timedelta: ("timedelta", lambda v: (v.days, v.seconds, v.microseconds)),
    datetime.timezone: ("timezone", lambda v: v.__getinitargs__()),
    zoneinfo.ZoneInfo: ("zone", zone_parts),
    decimal.Decimal: ("Decimal", decimal_parts),
    fractions.Fraction: ("Fraction", fraction_parts),
    range: ("range", lambda v: (v.start, v.stop, v.step)),
    collections.deque: ("deque", lambda v: (collections.deque.maxlen.__get__(v), [*collections.deque.__iter__(v)])),
    Named: ("namedtuple", lambda v: (v._name, v._fields, [*v])),
    np.str_: ("str_", lambda v: (str.__str__(v),)),
    np.bytes_: ("bytes_", lambda v: (bytes.__getitem__(v, slice(None)),)),
    type(pd.NaT): ("NaT", lambda v: ()),
    type(pd.NA): ("NA", lambda v: ()),
    pd.Timestamp: ("Timestamp", stamp_parts),
    pd.Timedelta: ("Timedelta", lambda v: (int(v.asm8.view("i8")), v.unit)),
    pd.Period: ("Period", lambda v: (v.ordinal, v.freqstr)),
    pd.Interval: ("Interval", lambda v: (v.left, v.right, v.closed)),
    pd.Categorical: ("Categorical", lambda v: (v.codes, v.categories, bool(v.ordered))),
    pd.arrays.NumpyExtensionArray: ("NumpyExtensionArray", lambda v: (v.to_numpy(),)),
    pd.arrays.DatetimeArray: ("DatetimeArray", lambda v: (v.asi8, v.unit, v.tz)),
    pd.arrays.TimedeltaArray: ("TimedeltaArray", lambda v: (np.asarray(v),)),
    pd.arrays.PeriodArray: ("PeriodArray", lambda v: (v.asi8, v.freqstr)),
    pd.arrays.IntervalArray: ("IntervalArray", lambda v: (v.left, v.right, v.closed)),
    **{getattr(pd.arrays, name): (name, masked_parts) for name in MASKED},
    **dict.fromkeys(STRINGS, ("StringArray", string_parts)),
    **{
        kind: ("Index", index_parts)
        for kind in (
            pd.Index,
            pd.DatetimeIndex,
            pd.TimedeltaIndex,
            pd.PeriodIndex,
            pd.IntervalIndex,
            pd.CategoricalIndex,
        )
    },
    pd.RangeIndex: ("RangeIndex", range_index_parts),
    pd.MultiIndex: ("MultiIndex", lambda v: ([*v.levels], [*map(np.asarray, v.codes)], [*v.names])),
    pd.Series: ("Series", lambda v: (column_of(v.array), v.index, v.name)),
}

WRITE = {
    id(type(None)): write_constant(b"N"),
    id(bool): lambda writer, value: writer.out.append(ord("T" if value else "F")),
    id(type(...)): write_constant(b"E"),
    id(int): write_int,
    id(float): write_float,
    id(complex): write_complex,
    id(str): write_str,
    id(bytes): write_bytes,
    id(list): write_sequence(b"l", list),
    id(tuple): write_tuple,
    id(set): write_set(b"S", set),
    id(frozenset): write_set(b"Z", frozenset),
    id(dict): write_dict,
    id(np.ndarray): write_array,
    id(pd.DataFrame): write_frame,
    **{id(kind): write_graph(name) for name, kind in GRAPHS.items()},
    **{id(kind): write_scalar for kind in SCALARS},
    **{id(getattr(collections, name)): write_mapping(name) for name in ("Counter", "OrderedDict", "defaultdict")},
    **{id(kind): write_as(name, parts) for kind, (name, parts) in PARTS.items()},
}
BASES = {
    **{id(kind): WRITE[id(kind)] for kind in (int, float, complex, str, bytes, list, dict, set, frozenset)},
    id(collections.deque): WRITE[id(collections.deque)],
    id(tuple): write_named,
}


# Reading


class Reader(Budget):
    """Makes values from `data`, from the place `at` on."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data, self.at = data, 0

    def too_large(self) -> None:
        raise BadData(f"The data make a value that takes more than {MAX_MEMORY} bytes or {MAX_SECONDS} s.")

    def take(self, size: int) -> bytes:
        raw = self.data[self.at : self.at + size]
        if len(raw) < size:
            raise BadData(f"The data end within a value at byte {self.at}.")
        self.at += size
        return raw

    def count(self) -> int:
        return COUNT.unpack(self.take(4))[0]

    def name(self) -> str:
        return self.take(self.take(1)[0]).decode("ascii")

    def value(self) -> object:
        read = READ.get(self.data[self.at : self.at + 1])
        if read is None:
            raise BadData(f"The data have no value at byte {self.at}.")
        self.at += 1
        return read(self)

    def run(self) -> list:
        count, code = self.count(), self.take(1)
        if count > len(self.data) - self.at:  # each takes a byte at least
            raise BadData(f"The data promise {count} values at byte {self.at} and end before them.")
        self.spend(ITEM * count)
        if code == b"d":
            return np.frombuffer(self.take(8 * count), "<f8").tolist()
        if code == b"q":
            return np.frombuffer(self.take(8 * count), "<i8").tolist()
        if code == b"n":
            return [*self.elements(count, "biufc")]
        if code == b"s":
            return self.texts(count)
        if code != b"*":
            raise BadData(f"The data have an unknown kind of run at byte {self.at}.")
        if self.depth >= MAX_DEPTH:
            raise BadData(f"The data are nested deeper than {MAX_DEPTH} levels at byte {self.at}.")
        self.depth += 1
        items = []
        for _ in range(count):  # a comprehension would be one more level of Python's own stack
            items.append(self.value())
        self.depth -= 1
        return items

    def texts(self, count: int) -> list[str]:
        ends = np.frombuffer(self.take(4 * count), "<u4").cumsum(dtype=np.int64).tolist()
        raw = self.take(self.count())
        self.spend(4 * len(raw))
        text = raw.decode("utf-8", "surrogatepass")
        if len(text) != (ends[-1] if ends else 0):
            raise BadData(f"The data have texts whose lengths do not fit at byte {self.at}.")
        return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    def elements(self, count: int, kinds: str, name: str | None = None) -> np.ndarray:
        """A flat array that owns its elements, each of them checked where a pattern of bits may mean nothing."""
        name = self.name() if name is None else name
        if not DTYPE.fullmatch(name):
            raise BadData(f"The data have an unknown type of array at byte {self.at}.")
        dtype = np.dtype(name)
        if dtype.kind not in kinds or dtype.itemsize == 0:
            raise BadData(f"The data have an array of the wrong type at byte {self.at}.")
        size = count * dtype.itemsize
        self.spend(CONTAINER + 2 * size)
        raw = self.take(size)
        if not is_sound(raw, dtype):
            raise BadData(f"The data have an array with impossible elements at byte {self.at}.")
        return np.frombuffer(raw, dtype).copy()

    def shape(self) -> tuple[int, ...]:
        dimensions = self.take(1)[0]
        shape = struct.unpack(f"<{dimensions}Q", self.take(8 * dimensions))
        if dimensions > MAX_DIMENSIONS or max(shape, default=0) > MAX_BYTES:
            raise BadData(f"The data have an array of an impossible shape at byte {self.at}.")
        return shape


def is_sound(raw: bytes, dtype: np.dtype) -> bool:
    """Does each element stand for a value: no truth of 2, no character past Unicode, no broken long double?"""
    if dtype.kind == "b":
        return not raw.strip(b"\0\1")
    if dtype.kind == "U":
        return bool((np.frombuffer(raw, dtype.str[0] + "u4") <= sys.maxunicode).all())
    if is_extended(dtype):
        words = np.frombuffer(raw, "<u8")
        exponents = words[1::2] & 0x7FFF
        return bool((words[1::2] <= 0xFFFF).all() and ((words[0::2] >> 63 != 0) == (exponents != 0)).all())
    return True


def read_int(reader: Reader) -> int:
    size = reader.count()
    if size > MAX_INT_BYTES:
        raise BadData(f"The data have an integer of {size} bytes; {MAX_INT_BYTES} are allowed.")
    reader.spend(size)
    return int.from_bytes(reader.take(size), "little", signed=True)


def read_str(reader: Reader) -> str:
    raw = reader.take(reader.count())
    reader.spend(4 * len(raw))
    return raw.decode("utf-8", "surrogatepass")


def read_bytes(reader: Reader) -> bytes:
    raw = reader.take(reader.count())
    reader.spend(len(raw))
    return raw


def read_set(kind: type) -> Callable:
    def read(reader: Reader) -> set | frozenset:
        items = reader.run()
        reader.spend(CONTAINER + 2 * ITEM * len(items))
        made = set()
        fill(reader, made.update, items, items)
        if len(made) < len(items):
            raise BadData(f"The data have a set with equal elements at byte {reader.at}.")
        return made if kind is set else frozenset(made)

    return read


def read_dict(reader: Reader) -> dict:
    keys = reader.run()
    reader.spend(CONTAINER + ITEM * len(keys))
    items = reader.run()
    made = {}
    fill(reader, made.update, keys, [*zip(keys, items, strict=True)])
    if len(made) < len(keys):
        raise BadData(f"The data have a dict with equal keys at byte {reader.at}.")
    return made


def fill(reader: Reader, update: Callable, keys: list, items: list) -> None:
    """Put the items in, some at a time: keys whose hashes collide by design would take hours."""
    if len(keys) > MAX_SAME_HASH:
        hashes = np.sort(np.fromiter(map(hash, keys), np.int64, len(keys)))
        if (hashes[MAX_SAME_HASH:] == hashes[:-MAX_SAME_HASH]).any():
            raise BadData(f"The data have too many keys with one hash at byte {reader.at}.")
    for start in range(0, len(items), 1000):
        update(items[start : start + 1000])
        if start:
            reader.check()


def read_array(reader: Reader) -> np.ndarray:
    name = reader.name()
    shape = reader.shape()
    return reader.elements(math.prod(shape), "biufcmMSU", name).reshape(shape)


def read_scalar(reader: Reader) -> np.generic:
    return reader.elements(1, "biufcmM")[0]


def read_objects(reader: Reader) -> np.ndarray:
    reader.spend(CONTAINER)
    shape = reader.shape()
    return objects(reader.run()).reshape(shape)


def objects(items: list) -> np.ndarray:
    return np.fromiter(items, dtype=object, count=len(items))


def read_made(reader: Reader) -> object:
    name = reader.name()
    make = MAKERS.get(name)
    if make is None:
        raise BadData(f"The data name an unknown type at byte {reader.at}.")
    reader.spend(COSTS.get(name, CONTAINER))
    return make(reader, *reader.run())


READ = {
    b"N": lambda reader: None,
    b"T": lambda reader: True,
    b"F": lambda reader: False,
    b"E": lambda reader: ...,
    b"i": read_int,
    b"f": lambda reader: DOUBLE.unpack(reader.take(8))[0],
    b"c": lambda reader: complex(*PAIR.unpack(reader.take(16))),
    b"s": read_str,
    b"b": read_bytes,
    b"l": lambda reader: reader.run(),
    b"t": lambda reader: tuple(reader.run()),
    b"S": read_set(set),
    b"Z": read_set(frozenset),
    b"d": read_dict,
    b"a": read_array,
    b"n": read_scalar,
    b"o": read_objects,
    b"x": read_made,
}


def want(part: object, *kinds: type) -> object:
    """The part, if it is of exactly one of these types."""
    if type(part) not in kinds:
        raise BadData(f"The data have a {type(part).__name__} where it does not belong.")
    return part


def whole(*parts: object) -> tuple:
    return tuple(want(part, int) for part in parts)


@functools.cache
def zone_names() -> frozenset[str]:
    """The time zones that this machine knows. The first call reads them (0.05 s): make it before a fork."""
    return frozenset(zoneinfo.available_timezones())


def make_zone(reader: Reader, name: object) -> zoneinfo.ZoneInfo:
    if want(name, str) not in zone_names():
        raise BadData("The data name an unknown time zone.")
    return zoneinfo.ZoneInfo(name)


def zone(part: object) -> datetime.tzinfo | None:
    return want(part, type(None), datetime.timezone, zoneinfo.ZoneInfo)


def make_datetime(reader: Reader, *parts: object) -> datetime.datetime:
    *numbers, fold, tz = parts
    return datetime.datetime(*whole(*numbers), fold=want(fold, int), tzinfo=zone(tz))


def make_time(reader: Reader, *parts: object) -> datetime.time:
    *numbers, fold, tz = parts
    return datetime.time(*whole(*numbers), fold=want(fold, int), tzinfo=zone(tz))


def make_decimal(reader: Reader, text: object) -> decimal.Decimal:
    if len(want(text, str)) > MAX_EXACT_BYTES + 100:
        raise BadData("The data have a Decimal of too many digits.")
    number = decimal.Decimal(text)
    if abs(number.adjusted()) > MAX_EXPONENT:
        raise BadData("The data have a Decimal of too large an exponent.")
    return number


def make_fraction(reader: Reader, *parts: object) -> fractions.Fraction:
    if max(number.bit_length() for number in whole(*parts)) > 8 * MAX_EXACT_BYTES:
        raise BadData("The data have a Fraction of too many digits.")
    top, bottom = parts
    return fractions.Fraction(top, bottom)


def make_counter(reader: Reader, factory: None, items: object) -> collections.Counter:
    counter = collections.Counter()
    dict.update(counter, want(items, dict))
    return counter


def make_defaultdict(reader: Reader, factory: object, items: object) -> collections.defaultdict:
    made = collections.defaultdict(None if factory is None else FACTORIES[want(factory, str)])
    made.update(want(items, dict))
    return made


def make_deque(reader: Reader, longest: object, items: object) -> collections.deque:
    return collections.deque(want(items, list), want(longest, int, type(None)))


def make_named(reader: Reader, name: object, fields: object, items: object) -> Named:
    fields = [want(field, str) for field in want(fields, tuple)]
    if len(fields) != len(want(items, list)) or not all(map(is_field, fields)):
        raise BadData("The data have a named tuple whose fields are no names.")
    return Named(want(name, str), tuple(fields), items)


UNITS = ("s", "ms", "us", "ns")


def unit(part: object) -> str:
    if want(part, str) not in UNITS:
        raise BadData("The data have a date with an unknown unit.")
    return part


def make_timestamp(reader: Reader, number: object, units: object, tz: object) -> pd.Timestamp:
    stamp = pd.Timestamp(np.datetime64(want(number, int), unit(units)))
    return stamp if zone(tz) is None else stamp.tz_localize("UTC").tz_convert(tz)


def make_timedelta(reader: Reader, number: object, units: object) -> pd.Timedelta:
    return pd.Timedelta(np.timedelta64(want(number, int), unit(units)))


def freq(part: object) -> str:
    if not FREQ.fullmatch(want(part, str)):
        raise BadData("The data have an unknown frequency.")
    return part


def make_interval(reader: Reader, left: object, right: object, closed: object) -> pd.Interval:
    ends = (int, float, *SCALARS, pd.Timestamp, pd.Timedelta)
    return pd.Interval(want(left, *ends), want(right, *ends), closed=want(closed, str))


def flat(part: object, kinds: str) -> np.ndarray:
    """The part, if it is an array of one dimension and of one of these kinds."""
    if want(part, np.ndarray).ndim != 1 or part.dtype.kind not in kinds:
        raise BadData("The data have an array where it does not belong.")
    return part


def column(part: object) -> object:
    """The part, if it is what pandas can hold as a column."""
    return part if type(part) in COLUMNS else flat(part, "biufcmMO")


def dtype_of(part: object) -> type | None:
    """What pandas must be told, lest it makes text of objects."""
    return object if type(part) is np.ndarray and part.dtype == object else None


def make_categorical(reader: Reader, codes: object, categories: object, ordered: object) -> pd.Categorical:
    dtype = pd.CategoricalDtype(want(categories, *INDEXES), want(ordered, bool))
    return pd.Categorical.from_codes(flat(codes, "i"), dtype=dtype)


def make_dates(reader: Reader, numbers: object, units: object, tz: object) -> object:
    dates = pd.DatetimeIndex(flat(numbers, "i").astype(np.int64).view(f"M8[{unit(units)}]"))
    return (dates if zone(tz) is None else dates.tz_localize("UTC").tz_convert(tz)).array


def make_durations(reader: Reader, durations: object) -> object:
    return pd.TimedeltaIndex(flat(durations, "m")).array


def make_periods(reader: Reader, ordinals: object, periods: object) -> object:
    return pd.PeriodIndex.from_ordinals(flat(ordinals, "i").astype(np.int64), freq=freq(periods)).array


def make_intervals(reader: Reader, left: object, right: object, closed: object) -> object:
    left, right = want(left, *INDEXES), want(right, *INDEXES)
    return pd.arrays.IntervalArray.from_arrays(left, right, closed=want(closed, str))


def make_strings(reader: Reader, storage: object, with_na: object, texts: object, missing: object) -> object:
    missing_value = pd.NA if want(with_na, bool) else np.nan
    texts = objects([want(text, str) for text in want(texts, list)])
    texts[flat(missing, "b")] = missing_value
    if want(storage, str) not in ("python", "pyarrow"):
        raise BadData("The data have a column of text of an unknown kind.")
    return pd.array(texts, dtype=pd.StringDtype(storage, na_value=missing_value))


def make_masked(name: str, kinds: str) -> Callable:
    def make(reader: Reader, values: object, missing: object) -> object:
        return getattr(pd.arrays, name)(flat(values, kinds), flat(missing, "b"))

    return make


def make_index(reader: Reader, values: object, name: object, every: object) -> pd.Index:
    values = column(values)
    if every is None:
        return pd.Index(values, dtype=dtype_of(values), name=name)
    if len(values) > FREQ_ROWS:
        raise BadData("The data have a frequency on too many dates.")
    kind = pd.TimedeltaIndex if type(values) is np.ndarray and values.dtype.kind == "m" else pd.DatetimeIndex
    return kind(values, freq=freq(every), name=name)


def make_range_index(reader: Reader, start: object, stop: object, step: object, name: object) -> pd.RangeIndex:
    values = range(*whole(start, stop, step))
    if (
        not -(2**63) <= min(values.start, values.stop) <= max(values.start, values.stop) < 2**63
        or len(values) > MAX_ROWS
    ):
        raise BadData("The data have an index of too many rows.")
    return pd.RangeIndex(values.start, values.stop, values.step, name=name)


def make_multi_index(reader: Reader, levels: object, codes: object, names: object) -> pd.MultiIndex:
    levels = [want(level, *INDEXES) for level in want(levels, list)]
    codes = [flat(code, "i") for code in want(codes, list)]
    return pd.MultiIndex(levels, codes, names=want(names, list))


def make_series(reader: Reader, values: object, index: object, name: object) -> pd.Series:
    values = column(values)
    if len(values) != len(want(index, *INDEXES, pd.MultiIndex)):
        raise BadData("The data have a series that does not fit its index.")
    return pd.Series(values, index=index, dtype=dtype_of(values), name=name)


def make_frame(reader: Reader, index: object, columns: object, *parts: object) -> pd.DataFrame:
    reader.spend(COLUMN * len(parts))
    rows, labels = len(want(index, *INDEXES, pd.MultiIndex)), len(want(columns, *INDEXES, pd.MultiIndex))
    if labels != len(parts) or any(len(column(part)) != rows for part in parts):
        raise BadData("The data have a frame whose columns do not fit.")
    if not parts:
        return pd.DataFrame(index=index, columns=columns)
    held = {i: pd.Series(part, dtype=object) if dtype_of(part) else part for i, part in enumerate(parts)}
    frame = pd.DataFrame(held, index=pd.RangeIndex(rows))
    frame.index, frame.columns = index, columns
    return frame


def make_graph(name: str) -> Callable:
    def make(reader: Reader, attributes: object, nodes: object, told: object, *edges: object) -> nx.Graph:
        graph = GRAPHS[name]()
        graph.graph.update(want(attributes, dict))
        graph.add_nodes_from(want(nodes, list))
        for node, more in zip(nodes, want(told, list), strict=True):
            graph.nodes[node].update(want(more, dict))
        starts, ends, keys, told = (want(part, list) for part in edges)
        reader.spend(512 * (len(nodes) + len(starts)))
        if whole(*starts, *ends) and not 0 <= min(*starts, *ends) <= max(*starts, *ends) < len(nodes):
            raise BadData("The data have a graph with an edge to nowhere.")
        for start, end, key, more in zip(starts, ends, keys, told, strict=True):
            add_edge(graph, nodes[start], nodes[end], key).update(want(more, dict))
        if (graph.number_of_nodes(), graph.number_of_edges()) != (len(nodes), len(starts)):
            raise BadData("The data have a graph with equal nodes or edges.")
        return graph

    return make


def add_edge(graph: nx.Graph, start: object, end: object, key: object) -> dict:
    """Add an edge, and give the dict of its attributes."""
    if not graph.is_multigraph():
        graph.add_edge(start, end)
        return graph[start][end]
    if key is None:
        raise BadData("The data have an edge without a key.")
    graph.add_edge(start, end, key)
    return graph[start][end][key]


INDEXES = (
    pd.Index,
    pd.RangeIndex,
    pd.DatetimeIndex,
    pd.TimedeltaIndex,
    pd.PeriodIndex,
    pd.IntervalIndex,
    pd.CategoricalIndex,
)
COLUMNS = {
    pd.Categorical,
    pd.arrays.DatetimeArray,
    pd.arrays.PeriodArray,
    pd.arrays.IntervalArray,
    *STRINGS,
    *(getattr(pd.arrays, name) for name in MASKED),
}
MAKERS = {
    "date": lambda reader, *parts: datetime.date(*whole(*parts)),
    "datetime": make_datetime,
    "time": make_time,
    "timedelta": lambda reader, *parts: datetime.timedelta(*whole(*parts)),
    "timezone": lambda reader, offset, *name: datetime.timezone(
        want(offset, datetime.timedelta), *(want(part, str) for part in name)
    ),
    "zone": make_zone,
    "Decimal": make_decimal,
    "Fraction": make_fraction,
    "range": lambda reader, *parts: range(*whole(*parts)),
    "Counter": make_counter,
    "OrderedDict": lambda reader, factory, items: collections.OrderedDict(want(items, dict)),
    "defaultdict": make_defaultdict,
    "deque": make_deque,
    "namedtuple": make_named,
    "str_": lambda reader, text: np.str_(want(text, str)),
    "bytes_": lambda reader, raw: np.bytes_(want(raw, bytes)),
    "NaT": lambda reader: pd.NaT,
    "NA": lambda reader: pd.NA,
    "Timestamp": make_timestamp,
    "Timedelta": make_timedelta,
    "Period": lambda reader, ordinal, every: pd.Period(ordinal=want(ordinal, int), freq=freq(every)),
    "Interval": make_interval,
    "Categorical": make_categorical,
    "NumpyExtensionArray": lambda reader, values: pd.arrays.NumpyExtensionArray(flat(values, "biufcO")),
    "DatetimeArray": make_dates,
    "TimedeltaArray": make_durations,
    "PeriodArray": make_periods,
    "IntervalArray": make_intervals,
    "IntegerArray": make_masked("IntegerArray", "iu"),
    "FloatingArray": make_masked("FloatingArray", "f"),
    "BooleanArray": make_masked("BooleanArray", "b"),
    "StringArray": make_strings,
    "Index": make_index,
    "RangeIndex": make_range_index,
    "MultiIndex": make_multi_index,
    "Series": make_series,
    "DataFrame": make_frame,
    **{name: make_graph(name) for name in GRAPHS},
}


# Figures


def drawn_types() -> list[type]:
    """The classes of figures and axes, if matplotlib has been imported."""
    modules = [("matplotlib.figure", "Figure"), ("matplotlib.axes", "Axes")]
    return [getattr(sys.modules[module], name) for module, name in modules if module in sys.modules]


def describe_figure(drawing: object) -> dict:
    """A matplotlib figure, or its axes, as plain data: what is drawn, where, and what the reader is told.

    A figure gives `kind` ("figure"), `title`, `width` and `height` (inches) and `axes`: a list of what each axes gives:
    `kind` ("axes"), `title`, `xlabel`, `ylabel`, `xlim`, `ylim`, `xscale`, `yscale`, `xticks` and `yticks` (texts),
    `legend` (None, or its `title` and `labels`), `lines` (`label`, `x`, `y`, `colour`, `style`, `marker`), `bars` (one
    a call: `label` and lists of `x`, `y`, `width`, `height`), `points` (`label`, `x`, `y`), `shapes` (`kind`, `label`,
    `outlines` as arrays of x and y), `images` (arrays) and `texts`. Numbers are matplotlib's own: days for dates; 0, 1,
    2 for categories. A label that nobody gave is None.
    """
    if not hasattr(drawing, "get_size_inches"):
        return describe_axes(drawing)
    width, height = map(float, drawing.get_size_inches())
    axes = [describe_axes(each) for each in drawing.axes]
    return {"kind": "figure", "title": drawing.get_suptitle(), "width": width, "height": height, "axes": axes}


def describe_axes(axes: object) -> dict:
    bars = [group for group in axes.containers if hasattr(group, "patches")]
    in_bars = {id(patch) for group in bars for patch in group.patches}
    patches = [patch for patch in axes.patches if id(patch) not in in_bars]
    points = [group for group in axes.collections if type(group).__name__ == "PathCollection"]
    groups = [group for group in axes.collections if group not in points]
    return {
        "kind": "axes",
        "title": next(filter(None, (axes.get_title(loc=place) for place in ("center", "left", "right"))), ""),
        "xlabel": axes.get_xlabel(),
        "ylabel": axes.get_ylabel(),
        "xlim": tuple(map(float, axes.get_xlim())),
        "ylim": tuple(map(float, axes.get_ylim())),
        "xscale": axes.get_xscale(),
        "yscale": axes.get_yscale(),
        "xticks": [text.get_text() for text in axes.get_xticklabels()],
        "yticks": [text.get_text() for text in axes.get_yticklabels()],
        "legend": describe_legend(axes.get_legend()),
        "lines": [describe_line(line) for line in axes.lines],
        "bars": [describe_bars(group) for group in bars],
        "points": [{"label": label_of(group), **xy(group.get_offsets())} for group in points],
        "shapes": [
            *(describe_shape(patch, [patch.get_path().transformed(patch.get_patch_transform())]) for patch in patches),
            *(describe_shape(group, group.get_paths()) for group in groups),
        ],
        "images": [np.ma.filled(np.ma.asarray(image.get_array(), float), np.nan) for image in axes.images],
        "texts": [text.get_text() for text in axes.texts],
    }


def describe_legend(legend: object) -> dict | None:
    if legend is None:
        return None
    return {"title": legend.get_title().get_text(), "labels": [text.get_text() for text in legend.get_texts()]}


def label_of(artist: object) -> str | None:
    label = str(artist.get_label())
    return None if not label or label.startswith("_") else label


def xy(points: object) -> dict:
    points = np.ma.filled(np.ma.asarray(points, float), np.nan).reshape(-1, 2)
    return {"x": points[:, 0].tolist(), "y": points[:, 1].tolist()}


def describe_line(line: object) -> dict:
    colour = sys.modules["matplotlib.colors"].to_hex(line.get_color())
    looks = {"colour": colour, "style": line.get_linestyle(), "marker": str(line.get_marker())}
    return {"label": label_of(line), **xy(line.get_xydata()), **looks}


def describe_bars(group: object) -> dict:
    boxes = [(patch.get_x(), patch.get_y(), patch.get_width(), patch.get_height()) for patch in group.patches]
    sides = zip(("x", "y", "width", "height"), zip(*boxes, strict=True), strict=True) if boxes else ()
    return {"label": label_of(group), **{name: [*map(float, numbers)] for name, numbers in sides}}


def describe_shape(artist: object, paths: list) -> dict:
    return {"kind": type(artist).__name__, "label": label_of(artist), "outlines": [path.vertices for path in paths]}
