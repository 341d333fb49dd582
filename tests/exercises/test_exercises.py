"""Does each assignment hold to the standard, and do its data come from their script?"""

import re
import subprocess
import sys

import pytest

from autograder.assignment import authored, read
from campus.folders import EXERCISES
from campus.syllabus import list_sessions

every_assignment = pytest.mark.parametrize("name", authored())


@every_assignment
def test_it_belongs_to_the_session_that_names_it(name):
    """Do the session and its assignment name each other?"""
    sessions = [session.code for session in list_sessions() if session.assignment == name]
    assert sessions == [read(EXERCISES / name).session]


@every_assignment
def test_its_data_come_from_their_script(name, tmp_path):
    """Does the seeded script give the same bytes as the files that are handed out, each with its dictionary?"""
    folder = EXERCISES / name
    files = sorted((folder / "data").glob("*.csv"))
    if files:
        subprocess.run([sys.executable, str(folder / "make_data.py"), str(tmp_path)], check=True)
    for path in files:
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
        assert path.with_suffix(".md").exists(), f"{path.name} has no dictionary"


def test_the_capstone_of_module_3_has_the_results_that_its_model_answer_names():
    """Do the four plans, run by the tutor's code on the data handed out, give the shares in the tutor's table?"""
    text = (EXERCISES / "capstone-queues" / "assignment.md").read_text()
    answers = {}
    for block in re.findall(r"```\{code-cell\} ipython3\n(.*?)```", text, re.DOTALL)[:6]:
        if "test-" not in block:
            code = block.replace('"data/', f'"{EXERCISES}/capstone-queues/data/')
            exec("\n".join(line for line in code.splitlines() if not line.startswith(":nbgrader")), answers)
    exec(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], answers)
    rows = re.findall(r"^\| (?:now|shorter record|ninth handler|both) \| (\d+).*\| ([\d.]+) \|$", text, re.MULTILINE)
    for plan, (within, wait) in zip([(8, 0), (8, 1), (9, 0), (9, 1)], rows, strict=True):
        means = answers["plans"][plan].mean()
        assert round(means["within"]) == int(within)
        assert abs(means["wait_101"] - float(wait)) <= 0.05
