"""JupyterLab's settings for everybody: nothing asks a host outside this machine."""

c = get_config()  # noqa: F821

c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.handlers.announcements.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
c.ServerApp.open_browser = False
c.HubOAuth.cache_max_age = 15  # seconds that the hub's word about somebody holds, also after they have left
