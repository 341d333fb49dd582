"""Formulas as MathML."""

import pytest


@pytest.mark.parametrize(
    ("latex", "part"),
    [
        (r"\lambda W_q", "<msub>"),
        (r"\begin{align} a &= b \\ c &= d \end{align}", "<mtable"),
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "<mtable"),
        (r"\begin{cases} 1 & x > 0 \\ 0 & \text{otherwise} \end{cases}", "<mtable"),
        (r"\begin{equation} x < 2 \end{equation}", "&#x0003C;"),
        (r"\frac{a^c}{c!}", "<mfrac>"),
    ],
)
def test_is_a_formula_written(latex, part):
    from course_maths import to_mathml

    assert part in to_mathml(latex, "block")


@pytest.mark.parametrize(
    ("latex", "reason"),
    [(r"\unheard x", r"\\unheard is not known"), (r"\frac{a}{b", "braces"), (r"a & b", "gave up")],
)
def test_is_a_formula_refused_with_its_reason(latex, reason):
    from course_maths import to_mathml

    with pytest.raises(ValueError, match=reason):
        to_mathml(latex, "inline")
