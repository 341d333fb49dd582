"""Can everybody use our pages, and does the accessibility statement say what others' pages lack?"""

import re

import pytest
from playwright.sync_api import Page, expect

from campus.folders import BOOK
from campus.site_check import RULES, RUN_AXE, THEMES, WIDTHS, read_axe
from tests.end_to_end.conftest import Person

ROLES = ("asha", "tara", "mina", "sol", "lena")
STATEMENT = BOOK / "guides" / "accessibility.md"
ROW = re.compile(r"^\| (?P<page>[^|]+) \| (?P<lacks>[^|]*) \|", re.MULTILINE)


def find_violations(page: Page) -> dict[str, str]:
    """The rules of WCAG 2.0 to 2.2, A and AA, that axe-core finds broken on a page, with the first place of each."""
    page.evaluate(read_axe())
    found = page.evaluate(RUN_AXE, list(RULES))
    return {one["rule"]: f"{one['help']} ({one['target']})" for one in reversed(found)}


def read_statement() -> dict[str, set[str]]:
    """The rules that the statement says are broken, by the page of its table."""
    rows = ROW.finditer(STATEMENT.read_text(encoding="utf-8"))
    return {row["page"].strip(): set(re.findall(r"`([a-z0-9-]+)`", row["lacks"])) for row in rows}


@pytest.mark.parametrize("username", ROLES)
def test_has_what_to_do_next_no_violation_for_any_role(hub, browser, username):
    person = Person(browser, hub, username)
    person.sign_in()
    found = {}
    for width in WIDTHS.values():
        person.page.set_viewport_size({"width": width, "height": 900})
        for theme in THEMES:
            person.page.emulate_media(color_scheme=theme)
            found |= find_violations(person.page)
        assert person.page.evaluate("document.documentElement.scrollWidth") <= width
    assert found == {} and person.outside == []


def test_does_the_statement_say_what_others_pages_lack(hub, browser):
    associate, tutor = Person(browser, hub, "asha"), Person(browser, hub, "tara")
    page, address = associate.page, hub.address
    page.goto(address)
    found = {"Signing in (JupyterHub)": find_violations(page)}
    associate.sign_in()
    for name, path in (
        ("The hub's own pages (JupyterHub)", "/hub/home"),
        ("The hub's tokens (JupyterHub)", "/hub/token"),
    ):
        page.goto(address + path)
        found[name] = find_violations(page)
    page.goto(f"{address}/services/campus/open/03-queues/03-3-clinic.ipynb")
    expect(page.locator("#jp-main-statusbar")).to_contain_text("| Idle")
    found["A notebook in the workspace (JupyterLab)"] = find_violations(page)
    page.get_by_role("menuitem", name="Nbgrader", exact=True).click()
    page.get_by_role("menuitem", name="Assignment List", exact=True).click()
    expect(page.locator("#assignments").last).to_be_visible()
    found["The assignment list (nbgrader)"] = find_violations(page)
    tutor.sign_in()
    tutor.page.goto(f"{address}/services/modelling/formgrader/manage_assignments")
    expect(tutor.page.get_by_role("row").filter(has_text="clinic-queue").first).to_be_visible()
    found["Formgrader (nbgrader)"] = find_violations(tutor.page)
    stated = read_statement()
    unsaid = [
        f"{name}: `{rule}` {said}"
        for name, rules in found.items()
        for rule, said in rules.items()
        if rule not in stated.get(name, ())
    ]
    assert not unsaid, "\n".join(unsaid)
    assert set(stated) - {"page", "---"} == set(found), "the statement's table has other pages than these"
