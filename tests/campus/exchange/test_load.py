"""Does a cohort that hands in shortly before a deadline, beside tutors at work, lose nothing and meet no error?

The long variants, with the times that they took: `make soak`.
"""

from tests.campus.exchange import load
from tests.campus.exchange.served import LEARNERS, MARKERS, InProcess, user

COHORT = [f"associate-{number:02}" for number in range(80)]


def test_do_eighty_at_once_beside_two_tutors_lose_nothing_and_meet_no_error(tmp_path, hub):
    hub.models |= {f"token-of-{name}": user(name, [LEARNERS]) for name in COHORT}
    hub.models["token-of-tom"] = user("tom", [LEARNERS, MARKERS])
    service = InProcess(tmp_path / "state", hub)
    try:
        feedback = load.prepare(service.remote, COHORT[:10])
        outcome = load.hand_in(service.remote, COHORT, 3, feedback)
        marked = {one["username"] for one in service.remote("tara").submissions(load.BEDS) if one["feedback"]}
    finally:
        service.close()
    assert outcome.problems == [] and outcome.lost == []
    assert len(outcome.receipts) == 80 and marked == set(COHORT)
