"""`make soak`: the long variants of the exchange's load and fault tests, a table each; ten minutes.

python -m tests.soak [NAME...]     some of them by name
"""

import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from tests.campus.exchange import load
from tests.campus.exchange.served import LEARNERS, MARKERS, Hub, InProcess, user
from tests.campus.exchange.test_faults import allow
from tests.postgres import ensure_postgres

MINUTE, OUTAGE = 60.0, 30.0
PATIENCE = 150.0  # of a client that sends again; without a fault nobody needs any
JUMPS = """
import itertools
from datetime import UTC, datetime, timedelta
from campus.exchange import moment
days = itertools.cycle([0, 400, -400, 0, 1 / 24, -1 / 24])
moment.now = lambda: moment.write(datetime.now(UTC) + timedelta(days=next(days)))
"""
console = Console(soft_wrap=True, highlight=False)


def main(names: list[str]) -> int:
    """Run them; 1 where something was lost or went wrong."""
    runs = [RUNS[name] for name in names] if names else RUNS.values()
    hub = Hub()
    try:
        good = [run(hub, run.__doc__) for run in runs]
    finally:
        hub.close()
    return 0 if all(good) else 1


def eighty(hub: Hub, title: str) -> bool:
    """80 associates hand in within a minute"""
    return soak(hub, title, 80)


def thousand(hub: Hub, title: str) -> bool:
    """1,000 associates hand in within a minute"""
    return soak(hub, title, 1000)


def kills(hub: Hub, title: str) -> bool:
    """200 hand in while the service is killed eight times"""

    def fault(service: InProcess) -> None:
        for _ in range(8):
            time.sleep(5)
            service.kill()
            service.start()

    return soak(hub, title, 200, fault)


def hanging(hub: Hub, title: str) -> bool:
    """200 hand in while PostgreSQL hangs for 30 s"""

    def fault(service: InProcess) -> None:
        time.sleep(10)
        with ensure_postgres().hanging():
            time.sleep(OUTAGE)

    return soak(hub, title, 200, fault, CAMPUS_EXCHANGE_DATABASE_URL=ensure_postgres().new_database())


def away(hub: Hub, title: str) -> bool:
    """200 hand in while PostgreSQL takes no connection for 30 s"""
    url = ensure_postgres().new_database()

    def fault(service: InProcess) -> None:
        time.sleep(10)
        allow(url, False)
        ensure_postgres().drop_connections(url)
        time.sleep(OUTAGE)
        allow(url, True)

    return soak(hub, title, 200, fault, CAMPUS_EXCHANGE_DATABASE_URL=url)


def jumps(hub: Hub, title: str) -> bool:
    """200 hand in while the clock jumps 400 days forth and back"""

    def fault(service: InProcess) -> None:
        service.kill()
        service.start(before=JUMPS)

    return soak(hub, title, 200, fault)


RUNS: dict[str, Callable[[Hub, str], bool]] = {
    run.__name__: run for run in (eighty, thousand, kills, hanging, away, jumps)
}


def soak(hub: Hub, title: str, count: int, fault: Callable[[InProcess], None] | None = None, **settings: str) -> bool:
    """Have so many hand in within a minute beside two tutors, with a fault meanwhile; whether all was well."""
    names = [f"associate-{number:04}" for number in range(count)]
    hub.models |= {f"token-of-{name}": user(name, [LEARNERS]) for name in names}
    hub.models["token-of-tom"] = user("tom", [LEARNERS, MARKERS])
    with serve(hub, **settings) as service:

        def remote(who: str) -> load.Remote:
            return service.remote(who, PATIENCE if fault else 0.0)

        feedback = load.prepare(remote, names[:200])
        disturb = threading.Thread(target=fault or (lambda service: None), args=(service,))
        disturb.start()
        outcome = load.hand_in(remote, names, MINUTE, feedback)
        disturb.join()
    show(title, outcome)
    return len(outcome.receipts) == count and not outcome.problems and not outcome.lost


@contextmanager
def serve(hub: Hub, **settings: str) -> Iterator[InProcess]:
    """The service with an empty store."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        service = InProcess(Path(folder) / "state", hub, **settings)
        try:
            yield service
        finally:
            service.close()


def show(title: str, outcome: load.Outcome) -> None:
    """A table of times, and what was lost or went wrong."""
    table = Table(
        "request", "times", "median ms", "99th ms", "longest ms", title=title, title_justify="left", box=SIMPLE_HEAD
    )
    for row in outcome.rows():
        table.add_row(*row)
    console.print(table)
    console.print(
        f"{len(outcome.receipts)} receipts, {len(outcome.lost)} of them lost; {len(outcome.problems)} errors; "
        f"all collected and marked after {outcome.wall:.0f} s.\n"
    )
    for line in [*outcome.lost, *outcome.problems][:10]:
        console.print(line, style="red", markup=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
