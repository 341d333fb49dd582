"""Are the right workspaces found and stopped: those of the people who are meant, at this campus alone?"""

from campus import serve
from campus.workspaces import OWNER, find_workspaces, stop_workspaces
from tests.campus.test_serve import STUBBORN, start, state  # noqa: F401


def test_is_a_workspace_stopped_with_its_kernels_and_no_other(state, start):  # noqa: F811
    femi = [start(STUBBORN, **{serve.MARK: str(state), OWNER: "femi"}) for _ in ("server", "kernel")]
    others = [
        start(STUBBORN, **{serve.MARK: str(state), OWNER: "asha"}),
        start(STUBBORN, **{serve.MARK: f"{state}-other", OWNER: "femi"}),
        start(STUBBORN, **{serve.MARK: str(state)}),
    ]
    for process in (*femi, *others):
        process.stdout.readline()
    found = find_workspaces(state, ["femi", "ben"])
    assert {who: sorted(one.pid for one in each) for who, each in found.items()} == {
        "femi": sorted(process.pid for process in femi)
    }
    stop_workspaces(state, ["femi"])
    assert find_workspaces(state, ["femi"]) == {} and all(process.poll() is None for process in others)
