"""Do nbgrader's own steps work over the exchange, directly and over the service, and keep everybody's work?"""

import json
from types import SimpleNamespace

import pytest
from nbgrader.api import MissingEntry
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeError
from nbgrader.server_extensions.assignment_list.handlers import AssignmentList
from traitlets.config import Config

from campus.exchange import plugins
from campus.exchange.client import Local, Remote
from campus.exchange.desk import Visitor
from campus.exchange.store import Store
from campus.folders import COURSE_ID
from tests.campus.exchange.conftest import BEDS, NOTEBOOK, RELEASED

ANSWERED = NOTEBOOK.replace(b"[]", b'["mine"]')
NEWER = {f"{BEDS}.ipynb": NOTEBOOK + b" ", "data/stays.csv": b"days\n3\n", "data/more.csv": b"1\n"}


@pytest.fixture(params=["direct", "service"])
def ask(request, exchange, monkeypatch):
    """A function that gives the exchange to whoever asks: from the operator's machine, or over the service."""

    def connect(username=None, patience=0):
        if request.param == "service":
            return Remote(exchange.url, f"token-of-{username or 'formgrader'}", patience)
        visitor = Visitor(username, learns=True) if username else Visitor("operator", teaches=True)
        return Local(exchange.store, visitor)

    monkeypatch.setattr(plugins, "connect", connect)
    return connect


class Somebody:
    """Who uses nbgrader's steps, with a home and a course folder of their own."""

    def __init__(self, folder, student="*"):
        self.home = folder / student.replace("*", "tutor")
        self.home.mkdir(parents=True, exist_ok=True)
        self.config = Config()
        self.config.CourseDirectory.course_id = COURSE_ID
        self.config.CourseDirectory.root = str(self.home)
        self.config.CourseDirectory.db_url = f"sqlite:///{self.home / 'gradebook.db'}"
        self.config.CourseDirectory.student_id = student
        self.config.Exchange.assignment_dir = str(self.home)
        plugins.configure(self.config)

    def use(self, plugin, name=BEDS, **more):
        """Run one of the steps."""
        coursedir = CourseDirectory(config=self.config)
        coursedir.assignment_id = name
        step = plugin(coursedir=coursedir, config=self.config)
        for option, value in more.items():
            setattr(step, option, value)
        return step.start()

    def read(self, path):
        return (self.home / path).read_bytes()

    def write(self, path, content):
        (self.home / path).parent.mkdir(parents=True, exist_ok=True)
        (self.home / path).write_bytes(content)


@pytest.fixture
def asha(tmp_path, ask):
    return Somebody(tmp_path, "asha")


class NoGradebook:
    """A gradebook that knows nobody: to make a real one takes seconds, and the round trip has one."""

    def __init__(self, *arguments):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def find_submission(self, name, who):
        raise MissingEntry


@pytest.fixture
def tutor(tmp_path, ask, monkeypatch):
    monkeypatch.setattr(plugins, "Gradebook", NoGradebook)
    return Somebody(tmp_path)


@pytest.fixture
def handed_in(asha):
    """Asha, after she fetched, answered and handed in."""
    asha.use(plugins.ExchangeFetchAssignment)
    asha.write(f"{BEDS}/{BEDS}.ipynb", ANSWERED)
    asha.use(plugins.ExchangeSubmit)
    return asha


def give_feedback(tutor, text=b"<p>Well done.</p>"):
    """What nbgrader leaves in the course folder before feedback is returned."""
    for name in (plugins.STAMP, plugins.ID):
        tutor.write(f"feedback/asha/{BEDS}/{name}", tutor.read(f"submitted/asha/{BEDS}/{name}"))
    tutor.write(f"feedback/asha/{BEDS}/{BEDS}.html", text)
    tutor.use(plugins.ExchangeReleaseFeedback)


def test_does_a_release_reach_the_associate(asha):
    asha.use(plugins.ExchangeFetchAssignment)
    assert {path: asha.read(f"{BEDS}/{path}") for path in RELEASED} == RELEASED


def test_is_what_is_there_not_fetched_again(asha):
    asha.use(plugins.ExchangeFetchAssignment)
    with pytest.raises(ExchangeError, match="latest version"):
        asha.use(plugins.ExchangeFetchAssignment)


def test_does_a_newer_version_leave_own_work_and_lie_beside_it(asha, exchange):
    asha.use(plugins.ExchangeFetchAssignment)
    asha.write(f"{BEDS}/{BEDS}.ipynb", ANSWERED)
    exchange.remote("tara").release(BEDS, NEWER)
    assert [one["status"] for one in asha.use(plugins.ExchangeList, "*")] == ["released", "fetched"]
    asha.use(plugins.ExchangeFetchAssignment)
    assert asha.read(f"{BEDS}/{BEDS}.ipynb") == ANSWERED and asha.read(f"{BEDS}/data/more.csv") == b"1\n"
    assert asha.read(f"{BEDS}/version-2/{BEDS}.ipynb") == NEWER[f"{BEDS}.ipynb"]
    assert not (asha.home / BEDS / "version-2" / "data").exists()  # what is the same is not there twice
    assert [one["status"] for one in asha.use(plugins.ExchangeList, "*")] == ["fetched"]


def test_are_missing_files_put_back_where_nbgrader_is_asked_to(asha):
    asha.use(plugins.ExchangeFetchAssignment)
    asha.write(f"{BEDS}/{BEDS}.ipynb", ANSWERED)
    (asha.home / BEDS / "data" / "stays.csv").unlink()
    asha.use(plugins.ExchangeFetchAssignment, replace_missing_files=True)
    assert asha.read(f"{BEDS}/data/stays.csv") == RELEASED["data/stays.csv"]
    assert asha.read(f"{BEDS}/{BEDS}.ipynb") == ANSWERED and not (asha.home / BEDS / "version-1").exists()


def test_does_a_submission_hold_the_work_and_nothing_of_ours_and_no_link(handed_in, exchange):
    handed_in.write(f"{BEDS}/feedback/old/{BEDS}.html", b"old")
    handed_in.write(f"{BEDS}/version-2/{BEDS}.ipynb", b"theirs")
    handed_in.write(f"{BEDS}/.ipynb_checkpoints/{BEDS}.ipynb", b"older")
    handed_in.write("secret.txt", b"secret")
    (handed_in.home / BEDS / "link.txt").symlink_to(handed_in.home / "secret.txt")
    (handed_in.home / BEDS / "linked").symlink_to(handed_in.home)
    handed_in.write(f"{BEDS}/notes.txt", b"new")
    handed_in.use(plugins.ExchangeSubmit)
    row = exchange.store.submissions()[-1]
    assert {one["path"] for one in row["files"]} == {*RELEASED, "notes.txt"}


def test_does_the_associate_keep_the_receipt(handed_in, exchange):
    (kept,) = (handed_in.home / BEDS / "receipts").iterdir()
    receipt, (row,) = json.loads(kept.read_text()), exchange.store.submissions()
    assert (receipt["id"], receipt["sha256"], receipt["at"]) == (row["id"], row["sha256"], row["at"])


def test_is_a_folder_without_the_notebook_not_handed_in(asha):
    asha.write(f"{BEDS}/another.ipynb", NOTEBOOK)
    with pytest.raises(ExchangeError, match="bed-days.ipynb is missing"):
        asha.use(plugins.ExchangeSubmit)
    with pytest.raises(ExchangeError, match="fetch the assignment first"):
        asha.use(plugins.ExchangeSubmit, "nothing")


def test_does_collect_bring_the_latest_once(handed_in, tutor):
    tutor.use(plugins.ExchangeCollect, update=True)
    assert tutor.read(f"submitted/asha/{BEDS}/{BEDS}.ipynb") == ANSWERED
    tutor.write(f"submitted/asha/{BEDS}/mark.txt", b"here")
    tutor.use(plugins.ExchangeCollect, update=True)
    assert (tutor.home / "submitted" / "asha" / BEDS / "mark.txt").exists()  # not brought again
    handed_in.write(f"{BEDS}/{BEDS}.ipynb", NOTEBOOK)
    handed_in.use(plugins.ExchangeSubmit)
    tutor.use(plugins.ExchangeCollect)
    assert tutor.read(f"submitted/asha/{BEDS}/{BEDS}.ipynb") == ANSWERED  # not without `update`
    tutor.use(plugins.ExchangeCollect, update=True)
    assert tutor.read(f"submitted/asha/{BEDS}/{BEDS}.ipynb") == NOTEBOOK
    assert not (tutor.home / "submitted" / "asha" / BEDS / "mark.txt").exists()


def test_can_the_last_before_the_deadline_be_collected(handed_in, tutor, exchange, clock):
    exchange.remote("tara").set_terms(BEDS, clock.go(hours=1), "marked", "with feedback")
    clock.go(hours=1)
    handed_in.write(f"{BEDS}/{BEDS}.ipynb", NOTEBOOK)
    handed_in.use(plugins.ExchangeSubmit)
    tutor.use(plugins.ExchangeCollect, before_duedate=True)
    assert tutor.read(f"submitted/asha/{BEDS}/{BEDS}.ipynb") == ANSWERED


def test_can_a_learner_not_set_the_time_or_the_id_by_a_file_of_that_name(asha, tutor, exchange, clock):
    asha.use(plugins.ExchangeFetchAssignment)
    asha.write(f"{BEDS}/timestamp.txt", b"2001-01-01 00:00:00.000000 UTC")
    asha.write(f"{BEDS}/submission_secret.txt", b"0" * 32)
    asha.use(plugins.ExchangeSubmit)
    tutor.use(plugins.ExchangeCollect)
    assert tutor.read(f"submitted/asha/{BEDS}/timestamp.txt") == b"2026-11-25 12:00:00.000000 UTC"
    assert tutor.read(f"submitted/asha/{BEDS}/submission_secret.txt").decode() == exchange.store.submissions()[0]["id"]


def test_does_feedback_reach_its_associate_and_again_when_it_changes(handed_in, tutor):
    tutor.use(plugins.ExchangeCollect)
    give_feedback(tutor)
    folder = f"{BEDS}/feedback/2026-11-25 12:00:00.000000 UTC"
    handed_in.use(plugins.ExchangeFetchFeedback)
    assert handed_in.read(f"{folder}/{BEDS}.html") == b"<p>Well done.</p>"
    (shown,) = handed_in.use(plugins.ExchangeList, "*", cached=True)[0]["submissions"]
    assert shown["has_local_feedback"] and not shown["feedback_updated"]
    give_feedback(tutor, b"<p>Better.</p>")
    assert handed_in.use(plugins.ExchangeList, "*", cached=True)[0]["submissions"][0]["feedback_updated"]
    handed_in.use(plugins.ExchangeFetchFeedback)
    assert handed_in.read(f"{folder}/{BEDS}.html") == b"<p>Better.</p>"


def test_does_the_list_say_how_far_the_marking_is(handed_in, tutor):
    def shown():
        (one,) = handed_in.use(plugins.ExchangeList, "*", cached=True)[0]["submissions"]
        return one["timestamp"], one["has_exchange_feedback"]

    assert shown() == ("2026-11-25 12:00:00.000000 UTC, received", False)
    tutor.use(plugins.ExchangeCollect)
    assert shown() == ("2026-11-25 12:00:00.000000 UTC, being marked", False)
    give_feedback(tutor)
    assert shown() == ("2026-11-25 12:00:00.000000 UTC, marked", True)


def test_does_a_tutor_see_everybodys_submissions_and_an_associate_their_own(handed_in, tutor, tmp_path):
    ben = Somebody(tmp_path, "ben")
    assert [one["student_id"] for one in tutor.use(plugins.ExchangeList, "*", inbound=True)] == ["asha"]
    assert ben.use(plugins.ExchangeList, "*", inbound=True) == []


def test_is_a_withdrawn_assignment_no_more_listed_and_work_never_removed(handed_in, tutor, exchange):
    with pytest.raises(ExchangeError, match="is kept"):
        tutor.use(plugins.ExchangeList, inbound=True, remove=True)
    assert [one["status"] for one in tutor.use(plugins.ExchangeList, remove=True)] == ["removed"]
    assert handed_in.use(plugins.ExchangeList, "*") == [] and len(exchange.store.submissions()) == 1


def test_can_an_associate_not_release_or_collect(asha, exchange, monkeypatch):
    asha.write(f"release/{BEDS}/{BEDS}.ipynb", NOTEBOOK)
    as_asha = Local(exchange.store, Visitor("asha", learns=True))
    monkeypatch.setattr(plugins, "connect", lambda *arguments: as_asha)
    with pytest.raises(ExchangeError, match="Only tutors of this course"):
        asha.use(plugins.ExchangeReleaseAssignment)


def test_does_another_course_get_a_sentence(asha):
    asha.config.CourseDirectory.course_id = "another"
    with pytest.raises(ExchangeError, match="no course 'another'"):
        asha.use(plugins.ExchangeList, "*")


def test_does_formgrader_see_what_is_released(tutor):
    api = NbGraderAPI(config=tutor.config)
    assert not api.exchange_missing and api.get_released_assignments() == {BEDS}


def test_does_jupyterlabs_assignment_list_work_unchanged(handed_in, tutor, monkeypatch):
    tutor.use(plugins.ExchangeCollect)
    give_feedback(tutor)
    lister = AssignmentList()
    lister.root_dir = str(handed_in.home)
    monkeypatch.setattr(AssignmentList, "load_config", lambda self: handed_in.config)
    monkeypatch.setattr(
        "nbgrader.server_extensions.assignment_list.handlers.NbGrader",
        lambda: SimpleNamespace(config=handed_in.config, config_file_paths=[], load_config_file=lambda: None),
    )
    assert lister.fetch_feedback(COURSE_ID, BEDS)["success"]
    listed = lister.list_assignments(COURSE_ID)
    assert listed["success"], listed
    fetched, submitted = listed["value"]
    assert (fetched["status"], fetched["path"], fetched["notebooks"][0]["path"]) == (
        "fetched",
        BEDS,
        f"{BEDS}/{BEDS}.ipynb",
    )
    (one,) = submitted["submissions"]
    assert one["local_feedback_path"] == f"{BEDS}/feedback/2026-11-25 12:00:00.000000 UTC"


def test_is_a_store_that_is_lost_told_and_not_handed_on(handed_in, exchange):
    (row,) = exchange.store.submissions()
    lost = exchange.store.place("submissions", BEDS, "asha", row["id"])
    (lost / f"{BEDS}.ipynb").write_bytes(b"damaged")
    operator = Local(Store(exchange.store.folder).ensure(), Visitor("operator", teaches=True))
    with pytest.raises(Exception, match="not whole"):
        operator.submitted_files(row["id"])


@pytest.mark.parametrize(
    ("state", "score", "said"),
    [
        ("received", None, "received"),
        ("being marked", 12.0, "being marked, 12 of 16 so far"),
        ("marked", 12.5, "marked, 12.5 of 16"),
    ],
)
def test_does_a_list_say_how_far_the_marking_is(state, score, said):
    assert plugins.say_state({"state": state, "score": score, "points": 16.0, "late": False}) == said
