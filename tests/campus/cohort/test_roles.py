"""Is the table of roles what the page says, and does no role have more than it needs?"""

import pytest
from traitlets.config import PyFileConfigLoader

from autograder import seal
from campus.cohort.roles import (
    ACTIONS,
    ALL,
    LEARNERS,
    MARKERS,
    MARKING,
    NONE,
    OWN,
    ROLES,
    SERVICES,
    groups_of,
    hub_groups,
    hub_roles,
    reach,
    scopes_of,
    who_may,
    with_also,
    write_page,
)
from campus.folders import HUB_CONFIG, ROOT

STRONG = ("admin", "groups", "users", "servers", "tokens", "proxy", "shutdown", "delete", "read:hub", "list:users")


def test_is_the_page_in_docs_written_from_this_table():
    page = (ROOT / "docs" / "roles.md").read_text(encoding="utf-8")
    assert page == write_page(), "run: .venv/bin/campus roles > docs/roles.md"


def test_does_the_table_name_known_roles_and_reaches_only():
    rows = [(role, far) for action in ACTIONS.values() for role, far in action.who.items()]
    assert {role for role, _ in rows} <= {*ROLES, *SERVICES} and {far for _, far in rows} == {OWN, ALL}


@pytest.mark.parametrize("role", ROLES)
def test_does_no_role_bring_a_scope_over_other_people_or_the_hub(role):
    assert [scope for scope in scopes_of(role) if scope.startswith(STRONG)] == []


def test_do_the_tokens_of_services_and_workspaces_reach_no_other_account():
    own = [scope for one in hub_roles() if not one["name"].startswith("campus-") for scope in one["scopes"]]
    wide = [scope for scope in own if scope.startswith(("read:users", "users")) and "!user" not in scope]
    assert wide == []


def test_do_tutors_alone_come_into_the_markers_group():
    assert [role for role in ROLES if MARKERS in groups_of(role)] == ["tutor"]


def test_are_learners_those_who_may_hand_in():
    assert [role for role in ROLES if LEARNERS in groups_of(role)] == [
        role for role in ROLES if reach(with_also(role), "hand in")
    ]


def test_does_every_group_of_a_role_exist_at_the_hub():
    assert {group for role in ROLES for group in groups_of(role)} == set(hub_groups())


@pytest.mark.parametrize("role", ROLES)
def test_are_the_tools_of_a_role_there(role):
    assert (HUB_CONFIG / "jupyter" / ROLES[role].tools).is_dir()


@pytest.mark.parametrize(
    ("roles", "action", "far"),
    [
        (["associate"], "take work", OWN),
        (["associate", "tutor"], "take work", ALL),
        (["tutor"], "hand in", NONE),
        (with_also("tutor"), "hand in", OWN),
        ([MARKING], "set terms", NONE),
        (["nobody"], "see assignments", NONE),
        ([], "see assignments", NONE),
    ],
)
def test_does_the_widest_of_somebodys_roles_count(roles, action, far):
    assert reach(roles, action) == far


def test_is_a_refusal_told_with_those_who_may():
    assert (who_may("take work"), who_may("release")) == ("associates and tutors", "tutors")


@pytest.mark.parametrize("why", [None, "This machine cannot seal."])
def test_does_the_hub_have_a_service_for_every_role_also_where_nothing_can_seal(monkeypatch, tmp_path, why):
    monkeypatch.setattr(seal, "can_seal", lambda: why)
    for name, value in {"CAMPUS_STATE": str(tmp_path), "CAMPUS_PORT": "8000", "CAMPUS_PASSWORD": "example"}.items():
        monkeypatch.setenv(name, value)
    hub = PyFileConfigLoader(str(HUB_CONFIG / "jupyterhub_config.py")).load_config().JupyterHub
    running = {service["name"] for service in hub.services}
    assert {name for role in hub.load_roles for name in role.get("services", [])} <= running
    assert ("marking" in running) == (why is None)
