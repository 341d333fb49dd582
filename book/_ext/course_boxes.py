"""The six directives of a session, written as HTML that needs no script: boxes and native folds."""

import hashlib

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

from campus.directives import PRACTICE_KINDS, in_words, parse_options, parse_quick_check, read_kind, read_minutes
from campus.directives import Directive as Written
from campus.errors import CampusError

SOLUTION = "course-solution"


class box(nodes.General, nodes.Element):
    """A group with a visible label: `kind` is its class, `label` the words that name it."""


class fold(nodes.General, nodes.Element):
    """What `<details>` is in HTML; its first child is a `fold_label`."""


class fold_label(nodes.General, nodes.TextElement):
    """What `<summary>` is in HTML."""


def make_fold(label: str, *classes: str) -> fold:
    """A fold with its label and nothing in it yet."""
    return fold("", fold_label("", label), classes=list(classes))


class Box(Directive):
    """Common ground: the directive as its author wrote it, and parsing Markdown inside it."""

    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        try:
            return [self.draw()]
        except CampusError as error:
            raise self.error(str(error)) from None

    def written(self) -> Written:
        return Written(self.name, self.arguments[0] if self.arguments else "", "\n".join(self.content))

    def parse(self, markdown: str, into: nodes.Element) -> nodes.Element:
        lines = StringList(markdown.splitlines(), source=self.state.document["source"])
        self.state.nested_parse(lines, self.content_offset, into)
        return into

    def labelled(self, label: str, *classes: str) -> box:
        return box("", label=label, classes=["course-box", f"course-{self.name}", *classes])


class Predict(Box):
    def draw(self) -> nodes.Node:
        return self.parse(self.written().body, self.labelled(f"Predict ({in_words(read_minutes(self.written()))})"))


class Practice(Box):
    def draw(self) -> nodes.Node:
        kind = PRACTICE_KINDS[read_kind(self.written())].lower()
        label = f"Practice: {kind} ({in_words(read_minutes(self.written()))})"
        return self.parse(self.written().body, self.labelled(label))


class QuickCheck(Box):
    def draw(self) -> nodes.Node:
        question, options = parse_quick_check(self.written().body)
        drawn = self.labelled(f"Quick check ({in_words(read_minutes(self.written()))})")
        drawn["check"] = hashlib.sha256(self.written().body.encode()).hexdigest()[:10]
        self.parse(question, drawn)
        for option in options:
            verdict = "Right" if option.right else "Not quite"
            opened = fold(
                "", self.inline(option.text), classes=["course-option", f"course-{verdict.split()[-1].lower()}"]
            )
            drawn += self.parse(f"**{verdict}.** {option.answer}", opened)
        return drawn

    def inline(self, markdown: str) -> fold_label:
        """One line of Markdown as the label of a fold."""
        parsed = self.parse(markdown, nodes.Element())
        first = parsed[0] if parsed.children else nodes.paragraph()
        return fold_label("", "", *(child.deepcopy() for child in first.children))


class Solution(Box):
    def draw(self) -> nodes.Node:
        parse_options(self.written().argument)
        return self.parse(self.written().body, make_fold("Worked solution", SOLUTION))


class Titled(Box):
    """A note or a warning: what stands behind the name is its title."""

    def draw(self) -> nodes.Node:
        title = self.written().argument or self.name.capitalize()
        drawn = nodes.admonition("", classes=[self.name])
        drawn += nodes.title("", "", *self.state.inline_text(title, self.lineno)[0])
        return self.parse(self.written().body, drawn)


def fold_solutions(app, doctree: nodes.document) -> None:
    """Fold each cell tagged `solution`, together with the solution text that stands beside it."""
    cells = [node for node in doctree.findall(nodes.container) if "tag_solution" in node.get("classes", [])]
    for cell in cells:
        parent, place = cell.parent, cell.parent.index(cell)
        before = parent[place - 1] if place else None
        parent.remove(cell)
        if is_solution(before):
            before += cell
        else:
            parent.insert(place, make_fold("Worked solution", SOLUTION) + [cell])
    for solution in list(doctree.findall(is_solution)):
        place = solution.parent.index(solution)
        before = solution.parent[place - 1] if place else None
        if is_solution(before):
            before += solution.children[1:]
            before.parent.remove(solution)


def is_solution(node: nodes.Node | None) -> bool:
    """Whether a node is a folded solution."""
    return isinstance(node, fold) and SOLUTION in node["classes"]


# HTML


def visit_box(self, node: box) -> None:
    self.course_boxes = getattr(self, "course_boxes", 0) + 1
    name = f"course-box-{self.course_boxes}"
    more = {"data-check": node["check"]} if "check" in node else {}
    self.body.append(self.starttag(node, "div", role="group", **{"aria-labelledby": name, **more}))
    self.body.append(f'<p class="course-label" id="{name}">{self.encode(node["label"])}</p>\n')


def visit_fold(self, node: fold) -> None:
    self.body.append(self.starttag(node, "details"))


def visit_fold_label(self, node: fold_label) -> None:
    self.body.append("<summary><span>")


def leave(closing: str):
    def depart(self, node: nodes.Node) -> None:
        self.body.append(closing)

    return depart


def setup(app) -> dict:
    app.add_node(box, html=(visit_box, leave("</div>\n")))
    app.add_node(fold, html=(visit_fold, leave("</details>\n")))
    app.add_node(fold_label, html=(visit_fold_label, leave("</span></summary>\n")))
    app.add_directive("predict", Predict)
    app.add_directive("practice", Practice)
    app.add_directive("quick-check", QuickCheck)
    app.add_directive("solution", Solution)
    app.add_directive("note", Titled, override=True)
    app.add_directive("warning", Titled, override=True)
    app.connect("doctree-read", fold_solutions)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
