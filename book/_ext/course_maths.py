"""Mathematics as MathML, written at build time: no script, no outside host, and screen readers read it."""

import re
from xml.etree import ElementTree

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

logger = logging.getLogger(__name__)
COMMAND = re.compile(r"\\[A-Za-z]+")
UNNUMBERED = re.compile(r"\\(begin|end)\{(?:aligned|align|split|gathered|gather\*?|eqnarray\*?)\}")
EQUATION = re.compile(r"\\(?:begin|end)\{equation\*?\}")


def to_mathml(latex: str, display: str) -> str:
    """A formula as MathML; ValueError with the reason where it cannot be written."""
    braces = latex.replace("\\{", "").replace("\\}", "")
    if braces.count("{") != braces.count("}"):
        raise ValueError("its braces do not match")
    plain = EQUATION.sub("", UNNUMBERED.sub(r"\\\1{align*}", latex)).strip()
    if "\\\\" in plain and "\\begin" not in plain:
        plain = f"\\begin{{align*}}{plain}\\end{{align*}}"
    try:
        mathml = convert(plain, display=display)
        shown = " ".join(ElementTree.fromstring(mathml).itertext())
    except Exception as error:
        raise ValueError(f"the converter gave up with {type(error).__name__}") from None
    unknown = COMMAND.search(shown)
    if unknown:
        raise ValueError(f"{unknown[0]} is not known")
    return mathml


def write_maths(latex: str, display: str, node: nodes.Node) -> str:
    """A formula as MathML; one that cannot be written is a warning that names it, which fails the build."""
    try:
        return to_mathml(latex, display)
    except ValueError as reason:
        logger.warning("The formula %s cannot be written as MathML: %s.", latex, reason, location=node)
        return ""


def visit_math(self, node: nodes.math) -> None:
    self.body.append(write_maths(node.astext(), "inline", node))
    raise nodes.SkipNode


def visit_math_block(self, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math notranslate"))
    self.body.append(write_maths(node.astext().strip(), "block", node))
    if node["number"]:
        self.body.append(f'<span class="eqno">({node["number"]})</span>')
    self.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app) -> dict:
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
