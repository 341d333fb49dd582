"""A pytest plugin for nbval: cells run with history, as JupyterLab runs them.

nbval runs cells without history. IPython then does not see that a cell ends in a semicolon, and shows a result that the
page does not have.
"""

import functools

from nbval.kernel import RunningKernel


def pytest_configure() -> None:
    """Let nbval's kernels keep history."""
    start = RunningKernel.__init__

    @functools.wraps(start)
    def start_with_history(self, *arguments, **options):
        start(self, *arguments, **options)
        execute = self.kc.execute
        self.kc.execute = lambda code, **settings: execute(code, **{**settings, "store_history": True})

    RunningKernel.__init__ = start_with_history
