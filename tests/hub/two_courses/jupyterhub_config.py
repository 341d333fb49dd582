"""The hub as it is served, with the people and the exchange of a second course beside ours.

The second course's people may come in at our exchange and our pages, and ours at its exchange: so what refuses them is
what stands behind the door. Behind formgrader's door nothing else asks, so that the door alone keeps them out. What the
hub says about somebody holds for a second, so that tests need not wait.
"""

import sys
from pathlib import Path

from campus.cohort.roles import EXCHANGE, OWN_PAGE, ROLES, group_of
from campus.folders import COURSE_ID, HUB_CONFIG, state
from campus.serve import MARK, find_free_ports

c = get_config()  # noqa: F821

load_subconfig(str(HUB_CONFIG / "jupyterhub_config.py"))  # noqa: F821

OTHERS = {"olaf": ["nbgrader-another"], "nina": ["nbgrader-another", "formgrade-another"]}
SECOND_DOOR = "access:services!service=exchange-another"
admit = c.Authenticator.post_auth_hook


class TwoCourses(c.JupyterHub.authenticator_class):
    async def refresh_user(self, user, handler=None):
        return True if user.name in OTHERS else await super().refresh_user(user, handler)


def admit_both(authenticator, handler, model):
    return model if model["name"] in OTHERS else admit(authenticator, handler, model)


c.JupyterHub.authenticator_class = TwoCourses
c.Authenticator.post_auth_hook = admit_both
c.Authenticator.auth_refresh_age = 1
for group in ("nbgrader-another", "formgrade-another"):
    c.JupyterHub.load_groups[group] = {"users": [name for name, groups in OTHERS.items() if group in groups]}
c.JupyterHub.load_roles += [
    {
        "name": "another-course",
        "users": list(OTHERS),
        "scopes": ["self", OWN_PAGE, EXCHANGE, SECOND_DOOR],
    },
    {
        "name": "at-the-second-door",
        "groups": [group_of(role) for role in ROLES],
        "services": [COURSE_ID, "campus"],
        "scopes": [SECOND_DOOR],
    },
    {"name": "at-our-door", "services": ["campus"], "scopes": [EXCHANGE]},
]
ANOTHER = "from campus import folders; folders.COURSE_ID = 'another'; from campus.exchange.service import main; main()"
ours = {service["name"]: service for service in c.JupyterHub.services}
urls = [service["url"] for service in ours.values() if "url" in service]  # one that only works has none
taken = [c.JupyterHub.hub_bind_url, c.ConfigurableHTTPProxy.api_url, *urls]
PORT = next(port for port in find_free_ports(8) if not any(url.endswith(f":{port}") for url in taken))
site = Path(__file__).parent / "site"
ours["campus"]["command"] = [
    *(sys.executable, "-c"),
    "import sys; from pathlib import Path; from campus import folders; folders.SITE = Path(sys.argv[1]);"
    "from campus.web import main; main()",
    str(site),
]
c.JupyterHub.services.append(
    ours["exchange"]
    | {
        "name": "exchange-another",
        "url": f"http://127.0.0.1:{PORT}",
        "command": [sys.executable, "-c", ANOTHER],
        "environment": {"CAMPUS_STATE": str(state() / "another"), MARK: str(state()), "HOME": str(state())},
    }
)
