"""Figures to play with: a small model whose table and bars follow what the reader sets, without a kernel.

The table of the first settings is written here, so that it can be read without scripts; `_static/course-play.js`
computes the same in the browser, and a test holds the two against each other.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from docutils import nodes
from docutils.parsers.rst import Directive

Row = tuple[str, float, str]  # what the row stands for, the length of its bar, and the value in words


@dataclass(frozen=True)
class Setting:
    """What a reader sets: its name in the script, what it is, and its least, greatest, step and first value."""

    name: str
    label: str
    least: float
    most: float
    step: float
    first: float


@dataclass(frozen=True)
class Play:
    """A figure: its caption, its settings, the headings of its two columns, and the rows for some settings."""

    caption: str
    settings: tuple[Setting, ...]
    headings: tuple[str, str]
    rows: Callable[..., list[Row]]


def waits_by_servers(arrivals: float, minutes: float) -> list[Row]:
    """Mean wait by Erlang C for the six smallest numbers of servers that can keep up."""
    load = arrivals * minutes / 60
    fewest = math.floor(load) + 1
    waits = [(servers, erlang_c(servers, load) * minutes / (servers - load)) for servers in range(fewest, fewest + 6)]
    return [(str(servers), wait, f"{wait:.1f} minutes") for servers, wait in waits]


def erlang_c(servers: int, load: float) -> float:
    """The chance that somebody has to wait: load below servers, by way of Erlang B's recursion."""
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = load * blocked / (count + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


def joined_by_removed(links: float) -> list[Row]:
    """Share of everybody still in the largest group of a random network, when a share of them is removed by lot.

    The share s of those who are left solves s = 1 - exp(-links * left * s) (Erdos and Renyi 1960).
    """
    rows = []
    for removed in range(0, 90, 10):
        left, share = 1 - removed / 100, 1.0
        for _ in range(2000):
            share = 1 - math.exp(-links * left * share)
        rows.append((f"{removed} in 100 removed", left * share, f"{100 * left * share:.0f} in 100"))
    return rows


def right_by_base_rate(found: float, alarms: float) -> list[Row]:
    """Of the people that a score flags, the share to whom it happens, by how common it is (Bayes)."""
    rows = []
    for common in (1, 2, 5, 10, 20, 40):
        right = common * found / (common * found + (100 - common) * alarms)
        rows.append((f"happens to {common} in 100", right, f"{100 * right:.0f} in 100"))
    return rows


def weights_by_age(alpha: float) -> list[Row]:
    """The weight that exponential smoothing gives to a value of so many days ago: alpha (1 - alpha)^days."""
    weights = [(days, alpha / 100 * (1 - alpha / 100) ** days) for days in range(10)]
    return [
        ("today" if not days else f"{days} days ago" if days > 1 else "yesterday", w, f"{100 * w:.1f} per cent")
        for days, w in weights
    ]


PLAYS = {
    "servers": Play(
        "How long do people wait? Set how many arrive and how long each takes, and see the mean wait for each number "
        "of servers (Erlang C: random arrivals, one queue, nobody leaves). The first row has the fewest that keep up.",
        (
            Setting("arrivals", "Arrivals an hour", 1, 60, 1, 9),
            Setting("minutes", "Minutes that each takes", 1, 60, 1, 15),
        ),
        ("Servers", "Mean wait"),
        waits_by_servers,
    ),
    "removal": Play(
        "How long does a network hold? Set how many links a person has on average, and see how much of everybody is "
        "still joined in one group when some are removed by lot. Removing key players breaks it sooner.",
        (Setting("links", "Links a person has on average", 1, 8, 0.5, 3),),
        ("Removed", "Still joined in one group"),
        joined_by_removed,
    ),
    "alarms": Play(
        "How often is a flag right? Set how many of the people at risk a score finds, and how many of the others it "
        "flags too. The rarer the event, the more of the flags are false alarms, however good the score.",
        (
            Setting("found", "Of 100 people at risk, flagged", 5, 100, 5, 80),
            Setting("alarms", "Of 100 others, flagged", 1, 50, 1, 10),
        ),
        ("How common it is", "Of those flagged, right"),
        right_by_base_rate,
    ),
    "memory": Play(
        "How long does a forecast remember? Set the weight of the newest value in exponential smoothing, and see what "
        "weight is left for the days before. A high weight follows every swing; a low one sees a change late.",
        (Setting("alpha", "Weight of the newest value, per cent", 5, 95, 5, 30),),
        ("Day", "Weight"),
        weights_by_age,
    ),
}


def draw_play(name: str) -> str:
    """The figure as HTML: caption, settings, and a table whose last column is its bars."""
    play = PLAYS[name]
    settings = "".join(draw_setting(name, setting) for setting in play.settings)
    rows = play.rows(*(setting.first for setting in play.settings))
    most = max(length for _, length, _ in rows)
    body = "".join(
        f'<tr><th scope="row">{escape(label)}</th><td>{escape(said)}</td>'
        f'<td aria-hidden="true"><span class="course-bar" style="width: {100 * length / most:.2f}%"></span></td></tr>'
        for label, length, said in rows
    )
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in play.headings)
    return (
        f'<figure class="course-play" data-play="{name}" role="group" aria-labelledby="play-{name}">'
        f'<figcaption id="play-{name}"><p>{escape(play.caption)}</p></figcaption>'
        f'<form class="course-settings pst-js-only">{settings}</form>'
        f'<table><thead><tr>{head}<td aria-hidden="true"></td></tr></thead>'
        f'<tbody aria-live="polite">{body}</tbody></table></figure>'
    )


def draw_setting(name: str, setting: Setting) -> str:
    """A slider with its label and its value."""
    limits = f'min="{setting.least:g}" max="{setting.most:g}" step="{setting.step:g}" value="{setting.first:g}"'
    key = f"{name}-{setting.name}"
    return (
        f'<p><label for="{key}">{escape(setting.label)}</label> <output for="{key}">{setting.first:g}</output>'
        f'<input type="range" id="{key}" name="{setting.name}" autocomplete="off" {limits}></p>'
    )


class Playable(Directive):
    """`{playable} NAME`: one of the figures above."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        if self.arguments[0] not in PLAYS:
            raise self.error(f"There is no figure '{self.arguments[0]}' to play with: use {', '.join(PLAYS)}.")
        return [nodes.raw("", draw_play(self.arguments[0]), format="html")]


def setup(app) -> dict:
    app.add_directive("playable", Playable)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
