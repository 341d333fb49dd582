"""Does every plain value cross unchanged, and nothing else?"""

import collections
import datetime
import decimal
import enum
import fractions
import pickle
import struct
import sys
import tracemalloc
import typing
import zoneinfo

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder import plain
from autograder.plain import BadData, Named, NotPlain, dump, load

steadily = settings(derandomize=True, deadline=None, max_examples=100, database=None)
INDEX = {
    pd.Index,
    pd.RangeIndex,
    pd.DatetimeIndex,
    pd.TimedeltaIndex,
    pd.PeriodIndex,
    pd.IntervalIndex,
    pd.CategoricalIndex,
}


def same(a: object, b: object) -> bool:
    """Are they one value: the same types all the way down, the same bits of floats, order, dtypes and names?"""
    if type(a) is not type(b):
        return False
    if isinstance(a, float) and not isinstance(a, np.generic):
        return struct.pack("<d", a) == struct.pack("<d", b)
    if type(a) is complex:
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, np.generic):
        return same(np.asarray(a), np.asarray(b))
    if type(a) is np.ndarray:
        if a.dtype != b.dtype or a.shape != b.shape:
            return False
        return same([*a.flat], [*b.flat]) if a.dtype == object else bits(a) == bits(b)
    if isinstance(a, collections.defaultdict) and a.default_factory is not b.default_factory:
        return False
    if isinstance(a, dict):
        return same([*a.items()], [*b.items()])
    if isinstance(a, (set, frozenset)):
        return sorted(map(dump, a)) == sorted(map(dump, b))
    if type(a) is Named:
        return (a._name, a._fields) == (b._name, b._fields) and same([*a], [*b])
    if type(a) is collections.deque and a.maxlen != b.maxlen:
        return False
    if isinstance(a, (list, tuple, collections.deque)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, (datetime.datetime, datetime.time)) and a is not pd.NaT:
        return a.isoformat() == b.isoformat() and a.fold == b.fold and same(a.tzinfo, b.tzinfo) and unit_of(a, b)
    if type(a) is pd.Timedelta:
        return a == b and unit_of(a, b)
    if type(a) is decimal.Decimal:
        return a.as_tuple() == b.as_tuple()
    if type(a) is pd.Interval:
        return same((a.left, a.right, a.closed), (b.left, b.right, b.closed))
    if type(a) is zoneinfo.ZoneInfo:
        return a.key == b.key
    if type(a) is pd.MultiIndex:
        return same([*a.levels], [*b.levels]) and same([*a.names], [*b.names]) and same([*a.codes], [*b.codes])
    if type(a) is pd.RangeIndex:
        return (a.start, a.stop, a.step) == (b.start, b.stop, b.step) and same(a.name, b.name)
    if type(a) in INDEX:
        return same(a.array, b.array) and same(a.name, b.name) and getattr(a, "freq", 0) == getattr(b, "freq", 0)
    if type(a) is pd.Series:
        return same(a.array, b.array) and same(a.index, b.index) and same(a.name, b.name)
    if type(a) is pd.DataFrame:
        columns = [[frame.iloc[:, i].array for i in range(frame.shape[1])] for frame in (a, b)]
        return same(a.index, b.index) and same(a.columns, b.columns) and same(*columns)
    if type(a) is pd.Categorical:
        return a.dtype == b.dtype and same(a.codes, b.codes) and same(a.categories, b.categories)
    if isinstance(a, pd.api.extensions.ExtensionArray):
        return a.dtype == b.dtype and same([*a], [*b])
    if isinstance(a, nx.Graph):
        return same(a.graph, b.graph) and same(dict(a._node), dict(b._node)) and same(a._adj, b._adj)
    return bool(a is b or a == b)


def unit_of(a: object, b: object) -> bool:
    return getattr(a, "unit", None) == getattr(b, "unit", None)


def bits(array: np.ndarray) -> bytes:
    if array.dtype.char in "gG":
        return np.frombuffer(array.tobytes(), "u1").reshape(-1, 16)[:, :10].tobytes()
    return array.tobytes()


# Values that hypothesis makes

zones = st.one_of(
    st.none(),
    st.just(datetime.UTC),
    st.builds(datetime.timezone, st.integers(-1439, 1439).map(lambda minutes: datetime.timedelta(minutes=minutes))),
    st.sampled_from(["Europe/London", "America/Argentina/Ushuaia", "UTC"]).map(zoneinfo.ZoneInfo),
)
folds = st.integers(0, 1)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.just(...),
    st.integers(),
    st.integers(-(2**200), 2**200),
    st.floats(),
    st.integers(0, 2**64 - 1).map(lambda word: struct.unpack("<d", struct.pack("<Q", word))[0]),
    st.complex_numbers(),
    st.text(st.characters(codec=None, exclude_categories=())),
    st.binary(),
    st.dates(),
    st.datetimes(timezones=zones).flatmap(lambda value: folds.map(lambda fold: value.replace(fold=fold))),
    st.times(),
    st.timedeltas(),
    st.decimals(),
    st.fractions(),
    st.builds(range, st.integers(), st.integers(), st.integers().filter(bool)),
    zones,
)
ARRAYS = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?"),
    hnp.complex_number_dtypes(endianness="?", sizes=(64, 128)),
    hnp.datetime64_dtypes(),
    hnp.timedelta64_dtypes(),
    hnp.unicode_string_dtypes(),
    hnp.byte_string_dtypes(),
)
arrays = hnp.arrays(ARRAYS, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
numpy_scalars = ARRAYS.flatmap(hnp.from_dtype).map(lambda value: np.asarray(value)[()])


def is_key(value: object) -> bool:
    return not (isinstance(value, decimal.Decimal) and value.is_snan())


keys = st.recursive(scalars.filter(is_key), lambda inner: st.lists(inner, max_size=3).map(tuple))
containers = st.recursive(
    st.one_of(scalars, arrays, numpy_scalars),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.lists(inner, max_size=5).map(tuple),
        st.sets(keys, max_size=5),
        st.frozensets(keys, max_size=5),
        st.dictionaries(keys, inner, max_size=5),
        st.dictionaries(keys, inner, max_size=5).map(collections.OrderedDict),
        st.dictionaries(keys, inner, max_size=5).map(lambda items: collections.defaultdict(list, items)),
        st.dictionaries(keys, st.integers(), max_size=5).map(collections.Counter),
        st.lists(inner, max_size=5).map(lambda items: collections.deque(items, maxlen=7)),
        st.lists(inner, max_size=5).map(plain.objects),
        st.lists(inner, min_size=2, max_size=2).map(lambda items: Named("Point", ("x", "y"), items)),
    ),
    max_leaves=12,
)
names = st.one_of(st.none(), st.text(max_size=3), st.integers(), st.tuples(st.text(max_size=2), st.integers()))
stamps = st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2200, 1, 1)).map(pd.Timestamp)
COLUMNS = [
    (st.floats(), "float64"),
    (st.integers(-(2**63), 2**63 - 1), "int64"),
    (st.integers(0, 255), "uint8"),
    (st.booleans(), "bool"),
    (st.complex_numbers(), "complex128"),
    (st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), "Int64"),
    (st.one_of(st.none(), st.floats(allow_nan=False)), "Float64"),
    (st.one_of(st.none(), st.booleans()), "boolean"),
    (st.one_of(st.none(), st.text(max_size=4)), "str"),
    (st.one_of(st.none(), st.text(max_size=4)), "string"),
    (st.one_of(st.none(), st.sampled_from("abc")), pd.CategoricalDtype(["c", "a", "b", "z"], ordered=True)),
    (st.one_of(st.none(), st.integers(0, 3)), pd.CategoricalDtype([3, 2, 1, 0])),
    (st.one_of(st.none(), stamps), "datetime64[us]"),
    (st.one_of(st.none(), stamps), "datetime64[s]"),
    (st.one_of(st.none(), stamps), "datetime64[us, Europe/London]"),
    (st.one_of(st.none(), stamps), "datetime64[ms, UTC]"),
    (st.one_of(st.none(), st.integers(-(10**9), 10**9).map(pd.Timedelta)), "timedelta64[ns]"),
    (st.one_of(st.none(), st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 1, 1)).map(str)), "period[M]"),
]


@st.composite
def columns(draw: st.DrawFn, rows: int) -> object:
    """A pandas array of so many rows: numpy's, or one of pandas' own."""
    items, dtype = draw(st.sampled_from([*COLUMNS, (containers, object)]))
    values = draw(st.lists(items, min_size=rows, max_size=rows))
    if dtype is object:
        return pd.Series(plain.objects(values), dtype=object).array
    if dtype == "datetime64[us, Europe/London]":
        return (
            pd.DatetimeIndex(pd.Series(values, dtype="datetime64[us]"))
            .tz_localize("UTC")
            .tz_convert(dtype[15:-1])
            .array
        )
    return pd.Series(values, dtype=dtype).array


def is_label(column: object) -> bool:
    return not isinstance(column, pd.arrays.NumpyExtensionArray) or column.to_numpy().dtype.kind not in "Oc"


@st.composite
def indexes(draw: st.DrawFn, rows: int) -> pd.Index:
    kind = draw(st.sampled_from(["range", "column", "multi", "dates", "intervals", "lapses"]))
    name = draw(names)
    if kind == "range":
        start, step = draw(st.integers(-5, 5)), draw(st.sampled_from([-3, -1, 1, 2]))
        return pd.RangeIndex(start, start + rows * step, step, name=name)
    if kind == "multi" and rows:
        made = [draw(columns(rows).filter(is_label)) for _ in range(2)]
        return pd.MultiIndex.from_arrays(made, names=[name, "b"])
    if kind == "dates":
        freq, tz = draw(st.sampled_from(["D", "MS", "W-SUN", "2h", "QS-OCT", "B"])), draw(zones)
        return pd.date_range("2024-03-01", periods=rows, freq=freq, tz=tz, name=name)
    if kind == "lapses":
        return pd.timedelta_range("1h", periods=rows, freq="90min", name=name)
    if kind == "intervals":
        return pd.interval_range(0.0, periods=rows, freq=2.5, closed="left", name=name)
    column = draw(columns(rows).filter(is_label))
    return pd.Index(column, name=name)


@st.composite
def tables(draw: st.DrawFn) -> pd.Series | pd.DataFrame | pd.Index:
    rows, kind = draw(st.integers(0, 5)), draw(st.sampled_from(["index", "series", "frame"]))
    index = draw(indexes(rows))
    if kind == "index":
        return index
    if kind == "series":
        column = draw(columns(rows))
        return pd.Series(column, index=index, name=draw(names), dtype=column.dtype)
    labels = draw(st.lists(st.one_of(st.sampled_from("ab"), st.integers(0, 2)), max_size=4))
    frame = pd.DataFrame({i: pd.Series(draw(columns(rows))) for i in range(len(labels))}, index=pd.RangeIndex(rows))
    frame.index, frame.columns = index, draw(st.one_of(st.just(pd.Index(labels)), indexes(len(labels))))
    return frame


@st.composite
def graphs(draw: st.DrawFn) -> nx.Graph:
    graph = draw(st.sampled_from([nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph]))()
    graph.graph.update(draw(st.dictionaries(keys, scalars, max_size=2)))
    nodes = draw(
        st.lists(keys.filter(lambda node: node is not None and node == node), min_size=1, max_size=6, unique=True)
    )
    attributes = st.dictionaries(st.sampled_from(["weight", 1, "kind"]), st.one_of(scalars, arrays), max_size=2)
    for node in nodes:
        graph.add_node(node)
        graph.nodes[node].update(draw(attributes))
    for start, end in draw(st.lists(st.tuples(st.sampled_from(nodes), st.sampled_from(nodes)), max_size=10)):
        key = graph.add_edge(start, end)
        (graph[start][end] if key is None else graph[start][end][key]).update(draw(attributes))
    if draw(st.booleans()) and graph.number_of_edges():
        graph.remove_edge(*next(iter(graph.edges())))
    return graph


@pytest.mark.parametrize(
    "values",
    [scalars, numpy_scalars, arrays, containers, tables(), graphs()],
    ids=["scalars", "numpy", "arrays", "containers", "tables", "graphs"],
)
def test_does_every_plain_value_cross_unchanged(values: st.SearchStrategy) -> None:
    @steadily
    @given(values)
    def cross(value: object) -> None:
        data = dump(value)
        assert same(load(data), value)
        assert dump(load(data)) == data, "equal values give equal bytes"

    cross()


# Values that are easily lost

frame = pd.DataFrame({"n": [1, 2], "text": ["a", None], "when": pd.to_datetime(["2024-01-01", None])})
doubled = pd.DataFrame([[1, "a"], [2, "b"]], columns=["x", "x"])
grid = np.arange(24, dtype=">i4").reshape(2, 3, 4)
far = nx.Graph([(3, 1), (1, 2), (2, 3)], name="far")
EXAMPLES = {
    "minus nan": -float("nan"),
    "minus zero": -0.0,
    "complex signs": complex(-0.0, float("-inf")),
    "integer beyond 64 bits": [2**63, -(2**64), 10**4000],
    "texts with lone surrogates side by side": ["\ud83d", "\ude00", "\U0001f600", ""],
    "keys that are no text": {1: "a", None: "b", (1, "x"): "c", 2.5: "d", b"": "e", frozenset({1}): "f", ...: "g"},
    "two nans in one set": {float("nan"), float("nan")},
    "the hour that comes twice": datetime.datetime(
        2024, 10, 27, 1, 30, fold=1, tzinfo=zoneinfo.ZoneInfo("Europe/London")
    ),
    "a named offset": datetime.datetime(
        2024, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=-3, seconds=7), "Here")
    ),
    "decimals": [decimal.Decimal(text) for text in ("1.10", "-0", "sNaN12", "1E+999999", "-Infinity")],
    "Fortran order": np.asfortranarray(grid),
    "slices with gaps": [grid[:, ::2, ::-1], grid.T],
    "no dimension": [np.array(5), np.array("a"), np.array(None), np.float32(1.5), np.bool_(True)],
    "no elements": [np.zeros((0, 3)), np.array([], dtype="U4"), np.array([], dtype=object)],
    "extended precision": [
        np.longdouble(1) / 3,
        np.array([1, -0.0, np.nan, np.inf], np.longdouble),
        np.clongdouble(1j),
    ],
    "numpy dates": [
        np.datetime64("NaT"),
        np.datetime64("2024-01", "M"),
        np.timedelta64(5, "25s"),
        np.datetime64("NaT", "D"),
    ],
    "numpy texts": [np.str_("a\0"), np.str_(""), np.bytes_(b"b\0"), np.array(["a", "\U0001f600"])],
    "arrays in arrays": plain.objects([np.array(5), [1, 2], np.array([1, 2]), None, plain.objects([{}])]),
    "missing of all kinds": [None, float("nan"), np.nan, pd.NA, pd.NaT],
    "stamps": [
        pd.Timestamp("2024-01-01", tz="Asia/Kolkata"),
        pd.Timestamp("2024-01-01").as_unit("s"),
        pd.Timedelta("1ns"),
    ],
    "period and intervals": [pd.Period("2024Q1"), pd.Period("2024-02"), pd.Interval(0, 2.5, "both")],
    "interval of dates": pd.Interval(pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-02")),
    "columns of one name": doubled,
    "empty frames": [
        pd.DataFrame(),
        pd.DataFrame(index=[3, 1]),
        pd.DataFrame(columns=["a", "b"]),
        frame.iloc[:0],
        frame[[]],
    ],
    "a summary": frame.describe(include="all"),
    "groups": frame.assign(g=["x", "y"]).groupby(["g", "n"], observed=True).agg({"text": ["count", "nunique"]}),
    "cut": pd.cut(pd.Series([1, 5, 9]), 3),
    "unused categories": pd.Series(pd.Categorical(["b"], ["c", "b", "a"], ordered=True), name=("a", 1)),
    "object columns": pd.DataFrame({"a": plain.objects([[1], {"b": 2}]), "t": pd.Series(["x", "y"], dtype=object)}),
    "an index of objects": pd.Index([1, "a", None, (1, 2)], dtype=object, name=0),
    "levels that are not used": pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["x", None])[1:2],
    "days": pd.date_range("2024-03-30", periods=3, freq="D", tz="Europe/London"),
    "month ends": pd.Series(range(3), pd.date_range("2024-01-31", periods=3, freq="ME", name="month")),
    "sectors": pd.DataFrame({"n": [1]}, index=pd.CategoricalIndex(["police"], name="sector")),
    "a graph whose neighbours have an order": far,
    "a directed graph": nx.DiGraph([("c", "a"), ("a", "b"), ("c", "b"), ("b", "a")]),
    "parallel edges": nx.MultiDiGraph([(1, 2, "x"), (1, 2, "y"), (2, 1, "x"), (1, 1, "x")]),
    "nodes of many types": nx.Graph([((0, 1), "a"), ("a", 2.5), (2.5, datetime.date(2024, 1, 1)), ("a", "a")]),
    "the karate club": nx.karate_club_graph(),
    "a copy after removals": nx.compose(nx.gnm_random_graph(20, 40, 1), nx.gnm_random_graph(25, 40, 2)).to_directed(),
    "counted": collections.Counter("abca"),
    "last first": collections.OrderedDict([("b", 1), ("a", 2)]),
    "a default": collections.defaultdict(list, {"a": [1]}),
    "sets": [{1, 2.5, "a"}, frozenset({None}), set()],
    "exact numbers": [fractions.Fraction(1, 3), range(3), Named("Point", ("x",), [1])],
    "a queue of three": collections.deque([1, 2, 3], maxlen=3),
}


@pytest.mark.parametrize("value", EXAMPLES.values(), ids=EXAMPLES)
def test_does_it_cross_unchanged(value: object) -> None:
    assert same(load(dump(value)), value)


@pytest.mark.parametrize("value", [0, "a", [1.0], frame, far, {1: {2}}, np.int64(1), pd.Timestamp("2024")], ids=repr)
def test_does_our_comparison_tell_values_apart(value: object) -> None:
    others = [
        1,
        0.0,
        -0.0,
        False,
        "b",
        [1],
        (1.0,),
        frame.astype({"n": "int32"}),
        doubled,
        nx.Graph([(1, 2), (3, 1), (2, 3)]),
    ]
    others += [
        frame[["text", "n", "when"]],
        frame.rename_axis("i"),
        {1: frozenset({2})},
        {1.0: {2}},
        np.int32(1),
        np.uint64(1),
    ]
    assert not any(same(value, other) for other in [*others, pd.Timestamp("2024").as_unit("ns"), None])


def test_do_equal_sets_give_equal_bytes() -> None:
    words = [f"ward {i}" for i in range(50)]
    assert dump(set(words)) == dump(set(reversed(words)))


def test_can_what_crossed_be_written_to() -> None:
    array = load(dump(np.arange(3)))
    array[0] = 7
    assert array.tolist() == [7, 1, 2]


def test_is_what_stands_in_two_places_repeated() -> None:
    shared = [1]
    crossed = load(dump([shared, shared]))
    assert crossed == [[1], [1]] and crossed[0] is not crossed[1]


# What becomes something else


class Point(typing.NamedTuple):
    x: float
    y: float


class Sector(enum.IntEnum):
    HEALTH = 1


def test_does_a_named_tuple_keep_its_names_but_not_its_class() -> None:
    point = load(dump(Point(1.5, 2)))
    assert type(point) is Named
    assert (point, point.x, point.y, repr(point)) == ((1.5, 2), 1.5, 2, "Point(x=1.5, y=2)")


def test_does_a_default_of_the_learners_own_stay_behind() -> None:
    crossed = load(dump(collections.defaultdict(lambda: 0, {"a": 1})))
    assert crossed == {"a": 1} and crossed.default_factory is None


def test_do_attrs_stay_behind() -> None:
    told = frame.copy()
    told.attrs["f"] = print
    assert load(dump(told)).attrs == {}


CALLS = []


def trapped(base: type) -> type:
    """A class whose every method, `__eq__` and `__getattribute__` among them, notes that it was called."""

    def trap(name: str) -> typing.Callable:
        def method(*args: object, **named: object) -> object:
            CALLS.append(name)
            return getattr(base, name)(*args, **named)

        return method

    kept = {"__new__", "__init__", "__init_subclass__", "__subclasshook__", "__class__", "__doc__", "__del__"}
    kept |= {"__class_getitem__", "__hash__"}
    body = {name: trap(name) for name in dir(base) if name not in kept and callable(getattr(base, name))}
    others = (
        "__int__",
        "__float__",
        "__index__",
        "__bool__",
        "__array__",
        "__reduce__",
        "__eq__",
        "__iter__",
        "__len__",
    )
    body |= {name: trap(name) for name in others if name not in body}
    body["__class__"] = property(lambda self: CALLS.append("__class__") or int)
    body["__hash__"] = base.__hash__ and trap("__hash__")
    return type("Mine", (base,), body)


BASE_VALUES = [
    5,
    -0.5,
    1j,
    "text",
    b"raw",
    [1, [2]],
    (1, "a"),
    {"a": 1},
    {1, 2},
    frozenset({3}),
    collections.deque([1]),
]


@pytest.mark.parametrize("value", BASE_VALUES, ids=repr)
def test_does_an_object_with_methods_of_its_own_cross_as_its_base_without_a_call(value: object) -> None:
    mine = trapped(type(value))(value)
    CALLS.clear()
    data = [dump(mine), dump([mine]), dump({"a": mine})]
    assert CALLS == []
    assert [load(data[0]), load(data[1])[0], load(data[2])["a"]] == [value] * 3
    assert type(load(data[0])) is type(value)


def test_does_an_integer_enum_cross_as_its_number() -> None:
    assert same(load(dump(Sector.HEALTH)), 1)


class Agree:
    """Equal to everything, and an integer if one asks it."""

    __class__ = property(lambda self: int)
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return True


class Meta(type):
    """A class of classes that answers no question, not even its own name's."""

    def __getattribute__(cls, name: str) -> object:
        raise SystemExit

    __hash__ = __eq__ = __instancecheck__ = __subclasscheck__ = __call__ = lambda *args: sys.exit()


odd = [type.__call__(Meta, "Odd", (), {})]  # in a list, where pytest does not ask it for its name


class Text(str):
    """Texts of one content that are all different."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


looped = [1]
looped.append({"back": looped})
doubling = [0.5]
for _ in range(60):
    doubling = [doubling, doubling]
deep = []
for _ in range(plain.MAX_DEPTH - 1):
    deep = [deep]
objects_in_itself = plain.objects([None])
objects_in_itself[0] = objects_in_itself
REFUSED = {
    "a function": (len, "a function"),
    "a function in a dict": ({"x": lambda: 0}, "a dict whose value at 'x' is a function"),
    "far inside": (
        [1, {"y": (0, print)}],
        "a list whose item [1] is a dict whose value at 'y' is a tuple whose item [1] is a function",
    ),
    "a key": ({print: 1}, "a dict with a key that is a function"),
    "a class": ([Point], "a list whose item [0] is a class"),
    "an object that agrees": (Agree(), "an Agree object"),
    "in a set": ({Agree()}, "a set that holds an Agree object"),
    "of an odd class": ([object.__new__(odd[0])], "a list whose item [0] is an Odd object"),
    "an odd class": (odd[0], "a class"),
    "a generator": ((i for i in ()), "a generator"),
    "keys": ({}.keys(), "a dict_keys"),
    "in a column": (
        pd.DataFrame({"a": [1], "b": plain.objects([Agree()])}),
        "a DataFrame whose column 'b' holds an Agree object",
    ),
    "in a series": (pd.Series([Agree()], dtype=object), "a Series that holds an Agree object"),
    "in an array": (np.array([1, Agree()], dtype=object), "an array that holds an Agree object"),
    "in an edge": (nx.Graph([(1, 2, {"w": Agree()})]), "a Graph that holds an Agree object"),
    "a node": (nx.Graph([(Agree(), 2)]), "a Graph with a node that is an Agree object"),
    "records": (np.zeros(1, "i4,i4"), "an array of type [('f0', '<i4'), ('f1', '<i4')]"),
    "records with names": (np.rec.array([(1, 2)]), "a recarray object"),
    "masked": (np.ma.array([1]), "a MaskedArray object"),
    "a frame of another class": (type("Mine", (pd.DataFrame,), {})(), "a Mine object"),
    "a date of another class": (type("Mine", (datetime.date,), {})(2024, 1, 1), "a Mine object"),
    "a time zone of the learner's": (
        datetime.time(tzinfo=type("Zone", (datetime.tzinfo,), {})()),
        "a time that holds a Zone object",
    ),
    "itself": (looped, "a list whose item [1] is a dict whose value at 'back' is a list that contains itself"),
    "itself in an array": (objects_in_itself, "an array that holds an array that contains itself"),
    "keys that are equal after all": (
        {Text("a"): 1, "a": 2},
        "a dict with keys that differ only by methods of their own class",
    ),
    "too deep": ([deep], "nested too deep to be marked"),
    "an array larger than it looks": (np.broadcast_to(1.0, (10**6, 10**4)), "too large to be marked"),
    "rows": (pd.RangeIndex(10**9), "too large to be marked"),
    "bytes": (bytes(plain.MAX_BYTES), "too large to be marked"),
    "an integer": (1 << 8 * plain.MAX_INT_BYTES, "too large to be marked"),
    "many values": ([None] * (plain.MAX_MEMORY // plain.ITEM + 1), "too large to be marked"),
    "an exponent": (
        decimal.Decimal("1E+99999999"),
        "a Decimal or Fraction with too many digits to be marked",
    ),
}


@pytest.mark.parametrize(("value", "what"), REFUSED.values(), ids=REFUSED)
def test_is_it_refused_in_one_sentence_that_says_where(value: object, what: str) -> None:
    with pytest.raises(NotPlain) as caught:
        dump(value)
    assert caught.value.what == what
    assert str(caught.value).startswith(f"This is {what}; ") and str(caught.value).endswith(".")


def test_is_a_value_that_doubles_at_each_level_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "MAX_MEMORY", 2**20)
    with pytest.raises(NotPlain, match="too large to be marked"):
        dump(doubling)


def test_does_the_deepest_value_cross_far_down_the_stack() -> None:
    assert load(dump(deep)) == deep


def test_is_a_stack_without_room_a_refusal_and_not_a_crash() -> None:
    data = dump(deep)

    def fall(levels: int) -> None:
        if levels:
            fall(levels - 1)
        else:
            with pytest.raises((NotPlain, BadData)):
                dump(deep)
            with pytest.raises(BadData):
                load(data)

    fall(sys.getrecursionlimit() - 150)


# Bytes that a hostile process sends


def bare(value: object) -> bytes:
    return dump(value)[len(plain.MAGIC) :]


def made(name: str, *parts: object) -> bytes:
    """Bytes of a value of this name with these parts."""
    run = plain.COUNT.pack(len(parts)) + b"*" + b"".join(map(bare, parts))
    return plain.MAGIC + b"x" + bytes([len(name)]) + name.encode() + run


def array(dtype: str, shape: tuple[int, ...], raw: bytes = b"") -> bytes:
    head = bytes([len(dtype)]) + dtype.encode() + bytes([len(shape)]) + struct.pack(f"<{len(shape)}Q", *shape)
    return plain.MAGIC + b"a" + head + raw


def counted(tag: bytes, count: int, rest: bytes) -> bytes:
    return plain.MAGIC + tag + plain.COUNT.pack(count) + rest


class Bomb:
    def __reduce__(self) -> tuple:
        return CALLS.append, ("a pickle was opened",)


index = pd.RangeIndex(2)
BAD = {
    "nothing": b"",
    "a pickle": pickle.dumps(Bomb()),
    "a pickle after the mark": plain.MAGIC + pickle.dumps(Bomb()),
    "not to the end": dump([1, "a"])[:-1],
    "past the end": dump([1, "a"]) + b"N",
    "a longer list than bytes": counted(b"l", 2**32 - 1, b"*N"),
    "more floats than bytes": counted(b"l", 2**31, b"d"),
    "more text than bytes": counted(b"s", 2**31, b"a"),
    "an unknown run": counted(b"l", 1, b"?N"),
    "lengths that do not fit": counted(b"l", 1, b"s" + struct.pack("<II", 5, 1) + b"a"),
    "no UTF-8": counted(b"s", 1, b"\xff"),
    "nested without end": plain.MAGIC + (b"l" + plain.COUNT.pack(1) + b"*") * 10000,
    "equal elements": counted(b"S", 2, b"*TT"),
    "equal elements of two types": counted(b"S", 2, b"*T" + bare(1.0)),
    "equal keys": counted(b"d", 2, b"*TT" + plain.COUNT.pack(2) + b"*NN"),
    "a list as a key": counted(b"d", 1, b"*" + bare([]) + plain.COUNT.pack(1) + b"*N"),
    "keys without values": counted(b"d", 1, b"*N" + plain.COUNT.pack(0) + b"*"),
    "one hash": counted(b"S", 1000, b"*" + b"".join(bare((2**61 - 1) * i) for i in range(1000))),
    "objects as an array": array("|O8", (1,), bytes(8)),
    "records": array("|V8", (1,), bytes(8)),
    "an array of a type by name": array("numpy.object_", (1,), bytes(8)),
    "more elements than bytes": array("<f8", (2**20,)),
    "more dimensions than numpy has": array("<f8", (0,) * 200),
    "a huge empty dimension": array("<f8", (0, 2**62)),
    "elements of no size": array("<U0", (10,)),
    "a truth of two": array("|b1", (1,), b"\2"),
    "a character past Unicode": array("<U1", (1,), b"\xff" * 4),
    "no long double": array("<f16", (1,), bytes(7) + b"\1" + b"\xff" * 8),
    "an unknown name": made("os.system", "true"),
    "a constructor by name": made("pandas.read_pickle", "/dev/null"),
    "too few parts": made("date", 2024),
    "parts of other types": made("date", 2024, 1.0, 1),
    "a date that is none": made("date", 2024, 2, 30),
    "a time zone from a path": made("zone", "../../../etc/passwd"),
    "a time zone from a package": made("zone", "zones.py"),
    "an offset that is none": made("timezone", datetime.timedelta(days=3)),
    "a fraction of nothing": made("Fraction", 1, 0),
    "a fraction without end": made("Fraction", 1, 1 << 8 * plain.MAX_EXACT_BYTES),
    "a decimal without end": made("Decimal", "1" * 10**5),
    "an exponent": made("Decimal", "1E+99999999"),
    "a decimal that is none": made("Decimal", "one"),
    "a step of nothing": made("range", 0, 1, 0),
    "a field that starts with an underscore": made("namedtuple", "P", ("__eq__",), [1]),
    "a field that is no name": made("namedtuple", "P", ("x y",), [1]),
    "another factory": made("defaultdict", "eval", {}),
    "a frequency that is none": made("Period", 1, "print()"),
    "dates that do not follow their frequency": made("Index", np.array([0, 5], "M8[ns]"), None, "D"),
    "codes past the categories": made("Categorical", np.array([5], "i1"), pd.Index(["a"]), False),
    "codes past the levels": made("MultiIndex", [pd.Index(["a"])], [np.array([5], "i1")], [None]),
    "an index within an index": made("MultiIndex", [pd.MultiIndex.from_tuples([(1, 2)])], [np.array([0])], [None]),
    "a column that is no array": made("Series", 5, index, None),
    "a short column": made("Series", np.zeros(1), index, None),
    "a square column": made("Series", np.zeros((2, 2)), index, None),
    "a name that cannot be one": made("Series", np.zeros(2), index, []),
    "a frame without its column": made("DataFrame", index, pd.Index(["a"])),
    "a mask that does not fit": made("IntegerArray", np.zeros(2, int), np.zeros(3, bool)),
    "text that is none": made("StringArray", "python", True, [b"a"], np.zeros(1, bool)),
    "rows without end": made("RangeIndex", 0, 10**9, 1, None),
    "rows past 64 bits": made("RangeIndex", 2**80, 2**80 + 2, 1, None),
    "an edge to nowhere": made("Graph", {}, ["a"], [{}], [0], [1], [None], [{}]),
    "an edge from the end": made("Graph", {}, ["a"], [{}], [0], [-1], [None], [{}]),
    "one edge twice": made("Graph", {}, ["a", "b"], [{}, {}], [0, 1], [1, 0], [None, None], [{}, {}]),
    "a node that is a list": made("Graph", {}, [["a", {}]], [{}], [], [], [], []),
    "an edge without a key": made("MultiGraph", {}, ["a"], [{}], [0], [0], [None], [{}]),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_is_it_bad_data(data: bytes) -> None:
    CALLS.clear()
    with pytest.raises(BadData):
        load(data)
    assert CALLS == []


@pytest.mark.parametrize("data", ["P1N", None, 5, [80, 49, 78]], ids=repr)
def test_is_what_is_not_bytes_bad_data(data: object) -> None:
    with pytest.raises(BadData):
        load(data)


def read_or_refuse(data: bytes) -> None:
    """What load makes is plain; whatever else it is given, it says so."""
    try:
        value = load(data)
    except BadData:
        return
    assert same(load(dump(value)), value)


@settings(steadily, max_examples=300)
@given(st.binary(max_size=200))
def test_are_random_bytes_refused_and_no_more(data: bytes) -> None:
    read_or_refuse(data)
    read_or_refuse(plain.MAGIC + data)


@settings(steadily, max_examples=600)
@given(
    st.sampled_from(sorted(map(dump, EXAMPLES.values()), key=len)[:-1]),
    st.lists(
        st.tuples(st.integers(0, 10**6), st.sampled_from(["flip", "set", "cut", "repeat"]), st.integers(0, 255)),
        min_size=1,
        max_size=4,
    ),
)
def test_are_mutated_bytes_refused_or_read_and_no_more(data: bytes, changes: list[tuple[int, str, int]]) -> None:
    raw = bytearray(data)
    for place, change, byte in changes:
        place = place % len(raw)
        if change == "flip":
            raw[place] ^= 1 << byte % 8
        elif change == "set":
            raw[place] = byte
        elif change == "cut":
            del raw[place : place + byte % 9]
            raw = raw or bytearray(b"P")
        else:
            raw[place:place] = raw[place : place + byte % 40]
    read_or_refuse(bytes(raw))


SMALL = [
    None,
    2**70,
    0.5,
    "",
    "a",
    "\U0001f600" * 50,
    b"",
    [],
    (),
    {},
    {1: 2},
    set(),
    frozenset({1}),
    1j,
    far,
    nx.MultiDiGraph(),
]
SMALL += [
    datetime.datetime(2024, 1, 1),
    datetime.UTC,
    decimal.Decimal(1),
    fractions.Fraction(1, 3),
    range(3),
    np.float64(1),
]
SMALL += [
    collections.deque(),
    collections.Counter(),
    collections.OrderedDict(a=1),
    Point(1, 2),
    np.zeros(0),
    np.array([None]),
]
SMALL += [
    pd.Timestamp("2024"),
    pd.Period("2024"),
    pd.Interval(0, 1),
    pd.Series([1]),
    pd.DataFrame(),
    doubled,
    pd.Index(["a"]),
]
SMALL += [
    pd.MultiIndex.from_tuples([(1, 2)]),
    pd.Categorical(["a"]),
    pd.array([1]),
    pd.array(["a"]),
    pd.date_range("2024", periods=2),
]
SMALL += [
    pd.interval_range(0, 2),
    pd.period_range("2024", periods=2),
    nx.empty_graph(50),
    nx.complete_graph(12, nx.MultiDiGraph),
]


@pytest.mark.parametrize("value", SMALL, ids=lambda value: f"{type(value).__name__} {str(value)[:10]!a}")
def test_does_load_stay_within_its_memory(value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that repeats one small value is read, or refused, before it takes twice what is reckoned."""
    limit = 2 * 2**20
    load(dump(value))  # what libraries keep of a first time is not counted
    count = limit // plain.ITEM // 3
    data = counted(b"l", count, b"*" + bare(value) * count)
    monkeypatch.setattr(plain, "MAX_MEMORY", limit)
    tracemalloc.start()
    try:
        load(data)
    except BadData as error:
        assert "takes more than" in str(error)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * limit


@pytest.mark.parametrize("value", EXAMPLES.values(), ids=EXAMPLES)
def test_do_both_sides_reckon_alike(value: object) -> None:
    """Or dump would let go what load refuses."""
    writer = plain.Writer()
    writer.value(value)
    reader = plain.Reader(bytes(writer.out[len(plain.MAGIC) :]))
    reader.value()
    assert (reader.left, reader.depth) == (writer.left, writer.depth)


def test_does_load_open_import_or_compile_nothing() -> None:
    """A second load: the first may make a library read what is its own."""
    seen, watching = [], False
    forbidden = ("import", "open", "exec", "compile", "pickle.", "subprocess.", "os.", "socket.", "ctypes.")

    def note(event: str, args: tuple) -> None:
        if watching and event.startswith(forbidden):
            seen.append((event, args))

    sys.addaudithook(note)
    data = [*map(dump, EXAMPLES.values()), *BAD.values()]
    for watching in (False, True):  # noqa: B007
        for each in data:
            try:
                load(each)
            except BadData:
                continue
    watching = False
    assert seen == []


# Figures


def test_does_a_figure_cross_as_its_description() -> None:
    matplotlib = pytest.importorskip("matplotlib.figure")
    figure = matplotlib.Figure()
    left, right = figure.subplots(1, 2)
    left.plot([1, 2], [3.5, None], label="seen", color="red")
    left.axhline(3, linestyle="--")
    left.set(title="Waits", xlabel="Month", ylabel="Days", xlim=(0, 4), ylim=(1, 9))
    left.legend(title="Patients")
    right.bar(["a", "b"], [4, 5], label="wards")
    right.scatter([1], [2])
    right.fill_between([0, 1], [1, 2])
    figure.suptitle("Two views")
    crossed = load(dump(figure))
    one, two = crossed["axes"]
    assert (crossed["kind"], crossed["title"], one["title"], one["xlabel"], one["ylabel"]) == (
        "figure",
        "Two views",
        "Waits",
        "Month",
        "Days",
    )
    assert (one["xlim"], one["ylim"], one["legend"]) == ((0, 4), (1, 9), {"title": "Patients", "labels": ["seen"]})
    assert same(one["lines"][0]["y"], [3.5, float("nan")])
    assert [line["label"] for line in one["lines"]] == ["seen", None]
    assert (one["lines"][0]["colour"], one["lines"][1]["style"]) == ("#ff0000", "--")
    assert (two["bars"][0]["height"], two["bars"][0]["label"], two["xticks"]) == ([4, 5], "wards", ["a", "b"])
    assert (two["points"][0]["x"], two["shapes"][0]["kind"]) == ([1], "FillBetweenPolyCollection")
    assert load(dump((figure, [left])))[1][0]["title"] == "Waits"
