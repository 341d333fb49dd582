"""The steps of the leads' guide: load a roster, set the pace, open a module, see the plan and who is behind it."""

from datetime import timedelta
from pathlib import Path

from playwright.sync_api import expect

from campus.cohort.people import first_roster
from campus.opening import today
from campus.pace import say_day
from tests.end_to_end.conftest import Hub, Person

NEWCOMER = "gwen,Gwen Example,gwen@example.org,Example Hospital Trust A,health,Midlands,associate,2027,tara,mina,sol\n"
COHORT = "2027"  # of the newcomer alone: what is decided for it changes nothing for the others
START = today() - timedelta(weeks=14, days=(today().weekday() - 1) % 7)  # a Tuesday, so that sessions have passed


def load_a_roster(hub: Hub, lead: Person, folder: Path) -> None:
    """Check, look, load: a newcomer is there while the campus goes on running."""
    roster = folder / "roster.csv"
    roster.write_text(first_roster().read_text(encoding="utf-8") + NEWCOMER, encoding="utf-8")
    assert "7 associate" in (said := hub.run("campus", "roster", "check", str(roster))) and "nothing is wrong" in said
    added = "added: Gwen Example (gwen, associate)"
    assert added in (said := hub.run("campus", "roster", "load", str(roster), "--dry-run")) and "dry run" in said
    assert added in hub.run("campus", "roster", "load", str(roster))
    lead.sign_in()
    page = lead.page
    lead.picture("lead-first-page", page.get_by_role("heading", level=1), page.locator("section.next"))
    row = page.get_by_role("row", name="Gwen Example").first
    while not row.count():  # within seconds
        page.wait_for_timeout(500)
        page.reload()
    lead.picture("lead-roster-loaded", page.get_by_role("region", name="Cohort"), mark=row.get_by_role("rowheader"))


def set_the_pace(lead: Person) -> None:
    """Choose the cohort, a plan, its first day and a week off."""
    page = lead.page
    choice = page.get_by_role("navigation", name="Cohorts").get_by_role("link", name=COHORT)
    lead.picture("lead-choose-cohort", page.get_by_role("heading", name="Opening modules"), choice, mark=choice)
    choice.click()
    page.get_by_label("Plan", exact=True).select_option(label="six months at one day a week")
    page.get_by_label("First day").fill(START.isoformat())
    page.get_by_label("Week off 1").fill((START + timedelta(weeks=2)).isoformat())
    button = page.get_by_role("button", name="Save the pace")
    lead.picture("lead-set-pace", page.get_by_role("form", name="Set the pace"), mark=button)
    button.click()
    expect(page.get_by_role("status")).to_contain_text(
        f"one day a week from {say_day(START)}, 1 week off (Lena Example"
    )
    lead.picture("lead-openings", page.get_by_role("status"), page.get_by_role("region", name="When modules open"))


def open_a_module(lead: Person) -> None:
    """Open the last module at once, before its week."""
    page = lead.page
    page.get_by_label("Module", exact=True).select_option("9")
    page.get_by_role("radio", name="now", exact=True).check()
    button = page.get_by_role("button", name="Save the opening")
    lead.picture("lead-open-module", page.get_by_role("form", name="Open or close a module"), mark=button)
    button.click()
    expect(page.get_by_role("status")).to_contain_text(f"module 9 opens on {say_day(today())}")
    row = page.get_by_role("region", name="When modules open").get_by_role("row").filter(has_text="by hand")
    expect(row).to_contain_text("open since")


def see_the_plan(lead: Person) -> None:
    """Every week of the cohort, with its sessions and the week off."""
    page = lead.page
    page.get_by_role("link", name=f"all weeks of cohort {COHORT}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Pace plan of cohort {COHORT}")
    rows = page.get_by_role("row")
    expect(page.get_by_role("row").filter(has_text="Week off.")).to_have_count(1)
    expect(page.get_by_role("row").filter(has_text="(this week)")).to_have_count(1)
    lead.picture("lead-weeks", page.get_by_role("heading", level=1), *(rows.nth(number) for number in range(5)))


def see_who_is_behind(lead: Person) -> None:
    """Who may want a hand, and with what."""
    page = lead.page
    page.get_by_role("link", name="What to do next").click()
    page.get_by_role("link", name="Who is behind the pace plan").click()
    page.get_by_role("navigation", name="Cohorts").get_by_role("link", name=COHORT).click()
    expect(page.locator("main")).to_contain_text("1 of 1 are behind.")
    row = page.get_by_role("row", name="Gwen Example")
    expect(row).to_contain_text("clinic-queue")
    lead.picture(
        "lead-who-is-behind", page.get_by_role("heading", level=1), page.get_by_role("region", name="Associates")
    )
