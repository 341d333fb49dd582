"""Ending: how a service of the hub ends when it is told to, in peace and without a traceback."""

import asyncio
import signal


async def until_told_to_end() -> None:
    """Wait until somebody presses Ctrl-C or the system asks this process to end: the hub does both."""
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    await told.wait()
