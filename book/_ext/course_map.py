"""A module's map: what each session is about and what builds on what, drawn as SVG, with a list that says the same."""

from html import escape

ROW, HIGH, WIDE, LEFT = 62, 50, 640, 110  # pixels of a row, a box, the picture, and the room for arrows
LONGEST = 62  # letters that a box holds


def draw_map(module: dict) -> str:
    """The figure as HTML from a module of the syllabus."""
    sessions = sorted(
        [*module["sessions"], *module["planned"]], key=lambda one: [int(n) for n in one["code"].split(".")]
    )
    place = {session["code"]: number for number, session in enumerate(sessions)}
    needs = [(need, session["code"]) for session in sessions for need in session.get("needs", []) if need in place]
    boxes = "".join(draw_box(session, place[session["code"]]) for session in sessions)
    arrows = "".join(draw_arrow(place[first], place[then]) for first, then in needs)
    said = [f"{then} builds on {first}" for first, then in needs]
    label = f"Map of module {module['number']}: {len(sessions)} sessions in order. {'; '.join(said) or 'No links yet'}."
    told = "".join(f"<li>{escape(words)}</li>" for words in said)
    twin = f"<details><summary>The map in words</summary><ul>{told}</ul></details>" if told else ""
    return (
        '<figure class="course-map"><div class="course-wide" role="region" aria-label="Map of the module">'
        f'<svg viewBox="0 0 {WIDE} {ROW * len(sessions)}" role="img" aria-label="{escape(label)}">'
        f"{arrows}{boxes}</svg></div>"
        "<figcaption><p>What builds on what. An arrow leads from a session to one that needs it; a dashed box is in "
        f"preparation.</p></figcaption>{twin}</figure>"
    )


def draw_box(session: dict, place: int) -> str:
    """A session as a box: its code and name, and its methods where it is written."""
    name, _, question = session["title"].partition(": ")
    methods = ", ".join(session.get("methods", [])) or question
    kind = "course-written" if "needs" in session else "course-planned"
    top = place * ROW + 4
    return (
        f'<g class="{kind}"><rect x="{LEFT}" y="{top}" width="{WIDE - LEFT - 4}" height="{HIGH}" rx="4"/>'
        f'<text x="{LEFT + 12}" y="{top + 21}">{escape(shorten(session["code"] + " " + name))}</text>'
        f'<text class="course-quiet" x="{LEFT + 12}" y="{top + 40}">{escape(shorten(methods))}</text></g>'
    )


def draw_arrow(first: int, then: int) -> str:
    """An arc on the left, from the middle of one box to that of another, further out the further it reaches."""
    start, end = first * ROW + 4 + HIGH / 2 + 6, then * ROW + 4 + HIGH / 2 - 6
    out = LEFT - min(100, 25 + 18 * abs(then - first))
    return (
        f'<path d="M{LEFT} {start} C{out} {start} {out} {end} {LEFT - 8} {end}"/>'
        f'<path class="course-tip" d="M{LEFT} {end} l-10 -5 v10 z"/>'
    )


def shorten(text: str) -> str:
    """A text that a box holds."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 4].rsplit(' ', 1)[0]} ..."
