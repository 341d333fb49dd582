"""The directives a session is written in: finding them in Markdown, and their plain Markdown twins for notebooks."""

import re
from dataclasses import dataclass

from campus.errors import CampusError

NAMES = ("predict", "quick-check", "practice", "solution", "note", "warning")
PRACTICE_KINDS = {"fill-in": "Fill the gaps", "modify": "Modify", "make": "Make"}

FENCE = re.compile(r"^(?P<fence>`{3,}|:{3,}|~{3,})\s*(?:\{(?P<name>[\w:-]+)\})?(?P<argument>.*)$")
OPTION_LINE = re.compile(r"^- \[(?P<mark>[ xX])\] (?P<text>.*?)\s*::\s*(?P<answer>.*)$")
SOURCE_LINK = re.compile(r"(\]\([^)\s:]+)\.md((?:#[^)\s]*)?\))")


@dataclass(frozen=True)
class Text:
    """Markdown outside directives."""

    body: str


@dataclass(frozen=True)
class Directive:
    """A fenced directive: its name, what stands behind the name, its body."""

    name: str
    argument: str
    body: str


@dataclass(frozen=True)
class Option:
    """One option of a quick check, with the answer to whoever chooses it."""

    right: bool
    text: str
    answer: str


def split_markdown(markdown: str) -> list[Text | Directive]:
    """The parts of a Markdown cell in order; plain code fences stay inside their text."""
    parts: list[Text | Directive] = []
    text: list[str] = []
    lines = iter(markdown.splitlines())
    for line in lines:
        opening = FENCE.match(line)
        if not opening:
            text.append(line)
            continue
        inside = read_fence(lines, opening["fence"], line)
        if opening["name"] is None:
            text += [line, *inside, opening["fence"]]
            continue
        if opening["name"] not in NAMES:
            known = ", ".join(NAMES)
            raise CampusError(f"The directive {{{opening['name']}}} is not one of {known}: use one of these.")
        if any(part.strip() for part in text):
            parts.append(Text("\n".join(text).strip("\n")))
        text = []
        parts.append(Directive(opening["name"], opening["argument"].strip(), "\n".join(inside).strip("\n")))
    if any(part.strip() for part in text):
        parts.append(Text("\n".join(text).strip("\n")))
    return parts


def read_fence(lines, fence: str, opening: str) -> list[str]:
    """The lines up to the fence's end, which is taken off the iterator; a fence left open is an error."""
    inside = []
    for line in lines:
        closing = line.rstrip()
        if len(closing) >= len(fence) and set(closing) == {fence[0]}:
            return inside
        inside.append(line)
    raise CampusError(f"The fence '{opening.strip()}' is never closed: end it with a line {fence}.")


def parse_options(argument: str) -> dict[str, str]:
    """`kind=modify minutes=10` as a dictionary; anything else in the argument is an error."""
    words = argument.split()
    wrong = [word for word in words if "=" not in word]
    if wrong:
        raise CampusError(f"'{argument}' has '{wrong[0]}' where name=value belongs: write for instance minutes=2.")
    return dict(word.split("=", 1) for word in words)


def read_minutes(directive: Directive) -> int:
    """The declared minutes of a predict, quick-check or practice directive."""
    minutes = parse_options(directive.argument).get("minutes", "")
    if not minutes.isdigit() or int(minutes) == 0:
        raise CampusError(f"A {directive.name} says '{directive.argument}': it needs minutes=N, a whole number.")
    return int(minutes)


def read_kind(directive: Directive) -> str:
    """The kind of a practice directive."""
    kind = parse_options(directive.argument).get("kind", "")
    if kind not in PRACTICE_KINDS:
        raise CampusError(f"A practice says '{directive.argument}': it needs kind=fill-in, modify or make.")
    return kind


def parse_quick_check(body: str) -> tuple[str, list[Option]]:
    """The question and its options; at least two options, at least one right, each with its answer."""
    question: list[str] = []
    options: list[Option] = []
    for line in body.splitlines():
        found = OPTION_LINE.match(line)
        if found:
            options.append(Option(found["mark"] in "xX", found["text"].strip(), found["answer"].strip()))
        elif line.startswith("- ["):
            raise CampusError(f"The option '{line}' lacks ' :: ' and the answer to it: add them.")
        elif options and line.strip():
            last = options[-1]
            options[-1] = Option(last.right, last.text, f"{last.answer} {line.strip()}")
        else:
            question.append(line)
    text = "\n".join(question).strip()
    if len(options) < 2 or not any(option.right for option in options):
        raise CampusError(f"The quick check '{text[:60]}' needs two options or more, and one marked [x].")
    return text, options


def split_starter(body: str) -> tuple[str, str]:
    """The text of a practice task and the content of its first `python` fence (empty where there is none)."""
    found = re.search(r"^```python\s*\n(.*?)^```\s*$", body, flags=re.MULTILINE | re.DOTALL)
    if not found:
        return body.strip(), ""
    return (body[: found.start()] + body[found.end() :]).strip(), found[1].rstrip("\n")


def quote(heading: str, body: str) -> str:
    """A quoted box with a bold heading."""
    lines = [f"**{heading}**", "", *body.splitlines()]
    return "\n".join(f"> {line}".rstrip() for line in lines)


def fold(summary: str, body: str) -> str:
    """A folded box, which JupyterLab opens on a click or a key."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def in_words(minutes: int) -> str:
    """`about 2 minutes`."""
    return f"about {minutes} minute{'s' if minutes != 1 else ''}"


def plain_markdown(part: Text | Directive) -> str:
    """A part as plain Markdown that JupyterLab renders; a practice task's starter code is left to its cell."""
    if isinstance(part, Text):
        return SOURCE_LINK.sub(r"\1.ipynb\2", part.body)
    if part.name == "predict":
        return quote(f"Predict ({in_words(read_minutes(part))})", part.body)
    if part.name == "practice":
        kind = PRACTICE_KINDS[read_kind(part)]
        return quote(f"Practice: {kind.lower()} ({in_words(read_minutes(part))})", split_starter(part.body)[0])
    if part.name == "quick-check":
        question, options = parse_quick_check(part.body)
        asked = "\n".join(f"- {option.text}" for option in options)
        told = "\n".join(
            f"- **{option.text}** {'Right.' if option.right else 'Not quite.'} {option.answer}" for option in options
        )
        heading = f"**Quick check ({in_words(read_minutes(part))}).**"
        return f"{heading} {question}\n\n{asked}\n\n{fold('Answers', told)}"
    if part.name == "solution":
        return fold("Worked solution", part.body)
    title = part.argument or part.name.capitalize()
    return quote(title, part.body)
