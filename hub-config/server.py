"""JupyterHub's settings in the server profile, first part: those of the laptop, and a Unix user for each person."""

from jupyterhub.utils import maybe_future

from campus.cohort import admission
from campus.folders import HUB_CONFIG
from campus.unix_users import OwnUser, ensure_unix_user

c = get_config()  # noqa: F821
load_subconfig("jupyterhub_config.py", path=str(HUB_CONFIG))  # noqa: F821

c.JupyterHub.spawner_class = admission.watched(OwnUser)
c.JupyterHub.template_vars = {"profile": "server"}
c.Spawner.args = []  # no workspace runs as root
admit = c.Authenticator.post_auth_hook


async def admit_with_unix_user(authenticator, handler, model):
    """Who is admitted has a Unix user and a home from their first sign-in on."""
    admitted = await maybe_future(admit(authenticator, handler, model))
    if admitted:
        ensure_unix_user(admitted["name"])
    return admitted


c.Authenticator.post_auth_hook = admit_with_unix_user
