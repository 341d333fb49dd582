"""nbgrader's settings in workspaces and in formgrader: the course's own, plus who asks."""

import os

from autograder.course import course_config

c = get_config()  # noqa: F821

c.merge(course_config())
c.Authenticator.plugin_class = "nbgrader.auth.jupyterhub.JupyterHubAuthPlugin"
if "JUPYTERHUB_SERVICE_NAME" in os.environ:
    # Formgrader, the hub's service: it works for everybody, and shows formulas without MathJax from another host
    # (with service/nbconvert/templates/formgrade/mathjax.html.j2).
    c.HTMLExporter.preprocessors = ["autograder.feedback.WriteMaths"]
    c.FormgradeExtension.debug = False
else:
    # Workspaces run as one Unix user here, so the owner of a submission comes from the hub, not from the system.
    c.CourseDirectory.student_id = os.environ["JUPYTERHUB_USER"]
