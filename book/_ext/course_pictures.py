"""Pictures of the running system: shown where `make pictures` has made them; elsewhere the words do alone."""

import json
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive

MADE = "pictures.json"  # what was made, as staged beside the pages: width and digest by name


class absent_picture(nodes.Invisible, nodes.Element):
    """The place of a picture that is not made yet; its alt text is checked as that of any other."""


class Picture(Directive):
    """A picture by its name; what stands in the directive is its alt text."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        env = self.state.document.settings.env
        env.note_dependency(str(Path(env.srcdir) / MADE))
        name = self.arguments[0]
        made = json.loads((Path(env.srcdir) / MADE).read_text(encoding="utf-8")).get(name)
        drawn = nodes.image() if made else absent_picture()
        drawn["uri"], drawn["alt"] = f"/pictures/{name}.png", " ".join(self.content)
        drawn["classes"] = ["course-picture"]
        if made:
            drawn["width"], drawn["loading"] = f"{made['width']}px", "lazy"
        self.set_source_info(drawn)
        return [drawn]

    def set_source_info(self, node: nodes.Node) -> None:
        """Let a warning about the picture name its line."""
        node.source, node.line = self.state_machine.get_source_and_line(self.lineno)


def leave_out(self, node: absent_picture) -> None:
    raise nodes.SkipNode


def setup(app) -> dict:
    app.add_node(absent_picture, html=(leave_out, None))
    app.add_directive("picture", Picture)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
