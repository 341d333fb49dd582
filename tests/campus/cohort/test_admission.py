"""Does the hub stop the workspace of who left, and nobody else's?"""

import asyncio
from types import SimpleNamespace

import pytest
from jupyterhub.auth import DummyAuthenticator
from jupyterhub.spawner import Spawner

from campus.cohort.admission import admitted_by, watched
from campus.cohort.people import People
from campus.errors import CampusError
from tests.campus.cohort.conftest import ASHA, BEN, TARA, TOM


class Runs(Spawner):
    """A spawner whose workspace runs until it is stopped."""

    status = None

    async def start(self):
        """It runs from the start."""

    async def poll(self):
        return self.status

    async def stop(self, now=False):
        self.status = 0


def look(account, people):
    """What the hub's look at somebody's workspace gives: None while it runs."""
    authenticator = admitted_by(people, DummyAuthenticator)()
    spawner = watched(Runs)(user=SimpleNamespace(name=account, settings={}), authenticator=authenticator)
    return asyncio.run(spawner.poll_and_notify())


def test_is_the_workspace_of_who_left_stopped_at_the_hubs_next_look(cohort):
    people = People(fresh=0)
    assert (look("asha", people), look("ben", people)) == (None, None)
    assert cohort.load(TARA, TOM, ASHA)["ok"]
    assert (look("asha", people), look("ben", people)) == (None, 0)
    people.close()


def test_is_nobody_stopped_because_a_database_is_away():
    def away(account):
        raise CampusError("The table of people does not answer.")

    assert look("asha", SimpleNamespace(of_account=away)) is None


@pytest.mark.parametrize("account", ["asha", "ben"])
def test_does_a_return_let_a_workspace_go_on(cohort, account):
    people = People(fresh=0)
    cohort.load(TARA, TOM, ASHA)
    cohort.load(TARA, TOM, ASHA, BEN)
    assert look(account, people) is None
    people.close()
