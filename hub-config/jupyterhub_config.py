"""JupyterHub's settings in the laptop profile: one machine, one Unix user, loopback only.

`campus serve` starts the hub with this file. The hub's database lives in memory: the table of people alone says who is
who, and nothing of an earlier run is left to disagree with it.
"""

import os
import secrets
import sys
from pathlib import Path

from jupyterhub.authenticators.shared import SharedPasswordAuthenticator
from jupyterhub.spawner import SimpleLocalProcessSpawner

from autograder.seal import can_seal
from campus.cohort import admission
from campus.cohort.people import People
from campus.cohort.roles import GRADER, ROLES, hub_groups, hub_roles
from campus.folders import COURSE_ID, HUB_CONFIG, ROOT, state
from campus.serve import MARK, find_free_ports

c = get_config()  # noqa: F821

LOOPBACK = "127.0.0.1"
PORT = int(os.environ["CAMPUS_PORT"])
STATE = state()
PEOPLE = People().ensure()  # before the database's address is taken out of the environment
DATABASE = os.environ.pop("CAMPUS_DATABASE_URL", "")  # its password is for the services alone
HUB_PORT, PROXY_PORT, CAMPUS_PORT, GRADER_PORT, EXCHANGE_PORT = find_free_ports(5)

# ---- Who may do what: campus/cohort/roles.py, shown in docs/roles.md ----
c.JupyterHub.load_groups = hub_groups()

# ---- Signing in: one password for everybody who takes part, and nobody else ----
admission.configure(c, PEOPLE, SharedPasswordAuthenticator)
c.SharedPasswordAuthenticator.user_password = os.environ.pop("CAMPUS_PASSWORD")

# ---- The hub and its proxy: loopback, internal ports chosen free ----
c.JupyterHub.bind_url = f"http://{LOOPBACK}:{PORT}"
c.JupyterHub.hub_bind_url = f"http://{LOOPBACK}:{HUB_PORT}"
c.JupyterHub.db_url = "sqlite:///:memory:"
c.JupyterHub.cookie_secret = secrets.token_bytes(32)
c.JupyterHub.default_url = "/services/campus/"
c.JupyterHub.template_paths = [str(ROOT / "campus" / "templates" / "hub")]
c.JupyterHub.cleanup_servers = True
c.JupyterHub.cleanup_proxy = True
c.JupyterHub.shutdown_on_logout = False
c.JupyterHub.concurrent_spawn_limit = 4
MARKING_SECONDS = 600  # the longest that a page may wait for an answer, as for marks; the proxy's own is 20 s
c.ConfigurableHTTPProxy.command = [
    *(sys.executable, "-m", "campus.proxy"),
    *("--proxy-timeout", str(MARKING_SECONDS * 1000)),
]
c.ConfigurableHTTPProxy.api_url = f"http://{LOOPBACK}:{PROXY_PORT}"
c.ConfigurableHTTPProxy.pid_file = str(STATE / "proxy.pid")
c.ConfigurableHTTPProxy.log_level = "error"

# ---- Workspaces: JupyterLab in a home of the state folder ----
AS_ROOT = ["--allow-root"] if os.geteuid() == 0 else []  # in a container everything runs as root
SINGLE_USER = [str(Path(sys.executable).with_name("jupyterhub-singleuser"))]


def environment(tools):
    """What every process of a person or a service is told; nothing else of ours is in its environment."""
    return {
        "CAMPUS_STATE": str(STATE),
        MARK: str(STATE),
        "CAMPUS_EXCHANGE_URL": f"http://{LOOPBACK}:{EXCHANGE_PORT}/services/exchange",
        "JUPYTER_CONFIG_PATH": f"{HUB_CONFIG / 'jupyter' / tools}:{HUB_CONFIG / 'jupyter'}",
    }


def prepare_workspace(spawner):
    """Make the home, closed to other Unix users, and give the workspace the tools of its owner's role."""
    home = STATE / "homes" / spawner.user.name
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    spawner.environment = environment(ROLES[PEOPLE.of_account(spawner.user.name).role].tools)


c.JupyterHub.spawner_class = admission.watched(SimpleLocalProcessSpawner)
c.SimpleLocalProcessSpawner.home_dir_template = str(STATE / "homes" / "{username}")
c.Spawner.pre_spawn_hook = prepare_workspace
c.Spawner.cmd = SINGLE_USER
c.Spawner.args = AS_ROOT
c.Spawner.ip = LOOPBACK
c.Spawner.env_keep = ["PATH", "LANG", "LC_ALL"]
c.Spawner.notebook_dir = str(STATE / "homes" / "{username}")
c.Spawner.default_url = "/lab"
c.Spawner.start_timeout = 120
c.Spawner.http_timeout = 120

# ---- Services: the exchange, the page that says what to do next, formgrader, and marking on arrival ----
c.JupyterHub.services = [
    {
        "name": "exchange",
        "url": f"http://{LOOPBACK}:{EXCHANGE_PORT}",
        "command": [sys.executable, "-m", "campus.exchange.service"],
        "cwd": str(ROOT),
        "environment": {
            "CAMPUS_STATE": str(STATE),
            "CAMPUS_DATABASE_URL": DATABASE,
            MARK: str(STATE),
            "HOME": str(STATE),
        },
        "oauth_client_allowed_scopes": ["read:users:groups!user"],
        "oauth_no_confirm": True,
        "display": False,
    },
    {
        "name": "campus",
        "url": f"http://{LOOPBACK}:{CAMPUS_PORT}",
        "command": [sys.executable, "-m", "campus.web"],
        "cwd": str(ROOT),
        "environment": {
            "CAMPUS_STATE": str(STATE),
            "CAMPUS_DATABASE_URL": DATABASE,
            MARK: str(STATE),
            "HOME": str(STATE),
        },
        "oauth_no_confirm": True,
        "display": False,
    },
    {
        "name": COURSE_ID,
        "url": f"http://{LOOPBACK}:{GRADER_PORT}",
        "command": [*SINGLE_USER, *AS_ROOT],
        "cwd": str(STATE / "course"),  # autograder.course.root(); importing it here would cost seconds at each start
        "environment": {
            **environment("service"),
            "CAMPUS_DATABASE_URL": DATABASE,
            "JUPYTER_PATH": str(HUB_CONFIG / "jupyter" / "service"),
            "HOME": str(STATE / "homes" / GRADER),
            "JUPYTERHUB_USER": GRADER,
            "JUPYTERHUB_DEFAULT_URL": "/formgrader",
        },
        "oauth_no_confirm": True,
        "display": False,
    },
]
if can_seal() is None:  # otherwise `campus serve` says so, and tutors mark
    c.JupyterHub.services.append(
        {
            "name": "marking",
            "command": [sys.executable, "-m", "autograder", "watch"],
            "cwd": str(STATE / "course"),
            "environment": {**environment("service"), "CAMPUS_DATABASE_URL": DATABASE, "HOME": str(STATE)},
            "display": False,
        }
    )
c.JupyterHub.load_roles = hub_roles([service["name"] for service in c.JupyterHub.services])
