"""Does the whole way work, by the steps that the guides give: read, run, fetch, hand in; mark; read the feedback?"""

from tests.end_to_end import associate, others, tutor
from tests.end_to_end.conftest import Person


def test_the_whole_way(hub, browser, tmp_path):
    """Can people of each role go it in the real pages, with no request to another host?"""
    asha, ben, tara, mina, sol = (Person(browser, hub, name) for name in ("asha", "ben", "tara", "mina", "sol"))
    tutor.set_a_deadline(tara)
    associate.read_and_run_a_session(asha)
    associate.run_everything_again(asha)
    associate.work_on_the_assignment(asha)
    associate.hand_it_in(asha)
    associate.hand_in_on_plain_pages(ben, tmp_path)
    tutor.mark_by_machine(tara)
    tutor.read_a_flag(tara)
    tutor.answer_many_at_once(hub)
    tutor.mark_by_hand(tara)
    tutor.return_feedback(tara)
    associate.read_the_feedback(asha)
    associate.read_the_feedback_on_plain_pages(ben)
    others.look_at_own_associates(mina)
    others.look_at_progress(sol)
    assert [asked for person in (asha, ben, tara, mina, sol) for asked in person.outside] == []
