"""Admission: who may sign in at the hub, under which account and in which groups, as the table of people says; and
whose workspace may go on.

The hub asks at each sign-in, and again for whoever is signed in when some seconds have gone by: so a roster that is
loaded while the hub runs is soon true there, without a token that could change accounts. Whatever proves who somebody
is (a password, an identity provider), this decides.
"""

from jupyterhub.auth import Authenticator
from jupyterhub.spawner import Spawner
from traitlets.config import Config

from campus.cohort.people import People
from campus.cohort.roles import groups_of
from campus.errors import CampusError

REFRESH_SECONDS = 15  # how long the hub's last look holds, for people and for their tokens


def admitted_by(people: People, proves: type[Authenticator]) -> type[Authenticator]:
    """An authenticator of the hub that lets in whom the table knows, once `proves` has proved who it is."""

    class Admission(proves):
        def takes_part(self, account: str) -> bool:
            """Whether somebody has not left; they have not while nobody can say."""
            try:
                return people.of_account(account) is not None
            except CampusError:
                return True

        async def refresh_user(self, user: object, handler: object = None) -> dict | bool:
            member = people.of_account(user.name)
            if member is None:
                return False
            user.sync_groups(groups_of(member.role))
            return await super().refresh_user(user, handler)

    return Admission


def watched(spawner: type[Spawner]) -> type[Spawner]:
    """A spawner that stops the workspace of somebody who left, at the hub's next look at it (`poll_interval`)."""

    class Watched(spawner):
        async def poll_and_notify(self) -> int | None:
            if not self.authenticator.takes_part(self.user.name) and await self.poll() is None:
                self.log.warning("Stopping the workspace of %s, who has left", self.user.name)
                await self.stop()
            return await super().poll_and_notify()

    return Watched


def admit(people: People, handler: object, model: dict) -> dict | None:
    """The hub's account and groups for who proved to be `model["name"]`; None where the table does not know them."""
    member = people.find(model["name"])
    if member is None:
        return None
    handler.user_from_username(member.account).sync_groups(groups_of(member.role))
    return model | {"name": member.account, "admin": False}


def configure(config: Config, people: People, proves: type[Authenticator]) -> None:
    """Have the hub admit by the table of people; whatever `proves` is set to is set on `config` under its own name."""
    config.JupyterHub.authenticator_class = admitted_by(people, proves)
    config.Authenticator.allow_all = True  # of those who prove who they are, `admit` chooses
    config.Authenticator.post_auth_hook = lambda authenticator, handler, model: admit(people, handler, model)
    config.Authenticator.auth_refresh_age = REFRESH_SECONDS
    config.Authenticator.auth_refresh_strict = True  # a token of somebody who left is worth nothing
    config.Authenticator.refresh_pre_spawn = True
