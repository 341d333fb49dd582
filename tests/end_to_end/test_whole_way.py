"""Does the whole way work, by the steps that the guides give: read, run, hand in; mark; read the feedback; lead?"""

from tests.end_to_end import associate, lead, others, tutor
from tests.end_to_end.conftest import Person


def test_the_whole_way(hub, browser, tmp_path):
    """Can people of each role go it in the real pages, with no request to another host?"""
    people = [Person(browser, hub, name) for name in ("asha", "ben", "tara", "mina", "sol", "lena")]
    asha, ben, tara, mina, sol, lena = people
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
    lead.load_a_roster(hub, lena, tmp_path)
    lead.set_the_pace(lena)
    lead.open_a_module(lena)
    lead.see_the_plan(lena)
    lead.see_who_is_behind(lena)
    assert [asked for person in people for asked in person.outside] == []
