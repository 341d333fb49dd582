"""Can an associate go the whole way with plain pages, and does nobody else get a foot in the door?"""

import re

import nbformat
import pytest
from jupyterhub.services.auth import HubOAuth
from tornado.web import create_signed_value

from campus.exchange import answers, pages
from tests.campus.exchange.conftest import BEDS
from tests.campus.exchange.test_answers import QUESTION, RELEASED

FILES = {f"{BEDS}.ipynb": answers.to_bytes(RELEASED), "data/stays.csv": b"days\n3\n"}
ANSWER = {"# YOUR CODE HERE\nraise NotImplementedError()": "def beds():\n    return 3"}


@pytest.fixture
def released(exchange):
    exchange.remote("tara").release(BEDS, FILES)
    return exchange


class Browser:
    """Somebody's browser after the sign-in at the hub, which leaves the token in a signed cookie."""

    def __init__(self, exchange, who):
        self.exchange, self.who = exchange, who
        secret = exchange.application.settings["cookie_secret"]
        signed = create_signed_value(secret, "service-exchange", f"token-of-{who}").decode()
        self.cookies = {"service-exchange": signed, "jupyterhub-session-id": "one"}

    def get(self, path="", **headers):
        reply = self.exchange.ask("GET", path, headers={"Cookie": self.cookie()} | headers)
        self.cookies.update(reply.cookies.get_dict())
        return reply

    def post(self, path, headers=None, **sent):
        return self.exchange.ask("POST", path, headers={"Cookie": self.cookie()} | (headers or {}), **sent)

    def cookie(self):
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def action(self, path, ending=""):
        """Where the form of a page sends to: its address with the session's own token."""
        found = re.search(rf'action="/services/exchange/([^"?]*{ending}\?[^"]+)"', self.get(path).text)
        return found[1].replace("&amp;", "&")

    def upload(self, name, content):
        path = self.action(f"assignments/{BEDS}")
        return self.post(path, files={"answer": (name, content)})


@pytest.fixture
def asha(released):
    return Browser(released, "asha")


def receipt(asha, reply):
    """The page of a receipt that an upload led to."""
    assert reply.status_code == 303, reply.text
    return asha.get(reply.headers["Location"].removeprefix("/services/exchange/"))


@pytest.mark.parametrize("ending", ["md", "py", "ipynb"])
def test_does_an_answer_go_the_whole_way_without_jupyterlab(asha, released, ending):
    tara = released.remote("tara")
    assert BEDS in asha.get().text and "not handed in" in asha.get().text
    text = asha.get(f"assignments/{BEDS}/download/{ending}")
    assert "attachment" in text.headers["Content-Disposition"]
    written = text.text
    for old, new in ANSWER.items():
        written = written.replace(old, new).replace(old.replace("\n", "\\n"), new.replace("\n", "\\n"))
    if ending == "ipynb":
        notebook = nbformat.reads(text.text, as_version=4)
        notebook.cells[2].source = ANSWER[notebook.cells[2].source]
        written = nbformat.writes(notebook)
    page = receipt(asha, asha.upload(f"my answer.{ending.upper()}", written))
    assert "State: received" in page.text
    (row,) = released.store.submissions()
    assert (row["way"], row["username"]) == ("page", "asha") and row["sha256"] in page.text
    handed_in = tara.submitted_files(row["id"])
    cells = {cell.id: cell for cell in nbformat.reads(handed_in[f"{BEDS}.ipynb"].decode(), 4).cells}
    assert cells["beds"].source == "def beds():\n    return 3" and cells["beds"].metadata["nbgrader"] == QUESTION
    assert handed_in["data/stays.csv"] == FILES["data/stays.csv"]
    tara.report(row["id"], "being marked")
    assert "State: being marked" in asha.get(f"receipts/{row['id']}").text
    tara.report(row["id"], "marked", 3, 20)
    tara.give_feedback(row["id"], {f"{BEDS}.html": b"<script>alert(1)</script>Well done."})
    assert "State: marked, 3 of 20" in asha.get(f"receipts/{row['id']}").text and "3 of 20" in asha.get().text
    link = re.search(r'href="/services/exchange/(feedback/[^"]+)"', asha.get(f"receipts/{row['id']}").text)[1]
    feedback = asha.get(link)
    assert "Well done." in feedback.text and feedback.headers["Content-Security-Policy"].startswith("sandbox;")


def test_is_the_same_text_sent_twice_one_submission(asha, released):
    text = asha.get(f"assignments/{BEDS}/download/md").content
    assert asha.upload("a.md", text).headers["Location"] == asha.upload("b.md", text).headers["Location"]
    assert len(released.store.submissions()) == 1


def test_can_a_receipt_be_kept_as_a_text(asha, released):
    asha.upload("a.md", asha.get(f"assignments/{BEDS}/download/md").content)
    (row,) = released.store.submissions()
    text = asha.get(f"receipts/{row['id']}/text").text
    assert row["sha256"] in text and row["at"] in text
    assert all(f"{one['sha256']}  {one['path']}\n" in text for one in row["files"])


def test_can_the_files_of_an_assignment_be_downloaded(asha):
    assert f"assignments/{BEDS}/files/data/stays.csv" in asha.get(f"assignments/{BEDS}").text
    assert asha.get(f"assignments/{BEDS}/files/data/stays.csv").content == FILES["data/stays.csv"]


def test_is_an_associate_with_an_older_version_told(asha, released):
    asha.get(f"assignments/{BEDS}/download/md")
    released.remote("tara").release(BEDS, FILES | {"data/more.csv": b""})
    assert "Version 3 is out; you have version 2" in asha.get(f"assignments/{BEDS}").text


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.ipynb", b"{", "is not a notebook"),
        ("a.md", b"# Nothing of the assignment", "is missing: download the text again"),
        ("a.docx", b"PK", "neither a notebook"),
        ("", b"", "Choose a file first"),
        ("a.md", b"x" * (pages.TEXT_BYTES + 1), "larger than 1024 KB"),
        ("<b>.exe", b"x", "&#39;&lt;b&gt;.exe&#39; is neither"),
    ],
)
def test_is_what_cannot_be_handed_in_told_in_a_sentence(asha, released, name, content, told):
    reply = asha.upload(name, content)
    assert reply.status_code in (413, 422) and told in reply.text and "<h1>This did not work</h1>" in reply.text
    assert released.store.submissions() == [] and "Traceback" not in reply.text


def test_is_a_form_that_is_too_large_or_cut_refused(asha, released, monkeypatch):
    path = asha.action(f"assignments/{BEDS}")
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert asha.post(path, broken, data=b"--x\r\nnothing").status_code == 400
    monkeypatch.setattr(pages, "FORM_BYTES", 1000)
    assert asha.post(path, files={"answer": ("a.md", b"x" * 2000)}).status_code == 413
    assert released.store.submissions() == []


def test_does_a_tutor_set_terms_and_give_time_on_the_page(released):
    tara = Browser(released, "tara")
    terms = {"deadline": "2026-12-01T17:00", "late": "refused", "marks": "at once"}
    assert tara.post(tara.action(f"assignments/{BEDS}", "/terms"), data=terms).status_code == 303
    more = {"username": "asha", "deadline": "2026-12-08T17:00"}
    assert tara.post(tara.action(f"assignments/{BEDS}", "/terms"), data=more).status_code == 303
    own = "Hand in by Tuesday 8 December 2026, 17:00 London time (GMT), your own deadline; later work is refused."
    everybodys = "Hand in by Tuesday 1 December 2026, 17:00 London time (GMT); later work is refused."
    for path in ("", f"assignments/{BEDS}"):
        assert own in Browser(released, "asha").get(path).text
        assert everybodys in Browser(released, "ben").get(path).text
    found = released.remote("ben").assignment(BEDS)
    assert (found["late"], found["marks"]) == ("refused", "at once")


def test_does_the_page_show_a_tutor_what_holds_now_so_that_nothing_is_lost_by_setting_one_term(released):
    tara = Browser(released, "tara")
    terms = {"deadline": "2026-07-01T17:00", "late": "refused", "marks": "at once"}
    tara.post(tara.action(f"assignments/{BEDS}", "/terms"), data=terms)
    tara.post(tara.action(f"assignments/{BEDS}", "/terms"), data={"username": "asha", "deadline": "2026-12-08T17:00"})
    page = tara.get(f"assignments/{BEDS}").text
    assert 'name="deadline" value="2026-07-01T17:00"' in page and "<li>asha: 8 December 2026, 17:00:00 GMT</li>" in page
    assert "asha:" not in Browser(released, "ben").get(f"assignments/{BEDS}").text


# Who may not


def test_is_nobody_served_a_page_without_signing_in(released):
    for path in ("", f"assignments/{BEDS}", f"assignments/{BEDS}/download/md", "receipts/" + "0" * 32):
        reply = released.ask("GET", path)
        assert reply.status_code == 302 and "/hub/api/oauth2/authorize" in reply.headers["Location"]


@pytest.mark.parametrize("cookie", ["service-exchange=token-of-asha", "service-exchange=2|1:0|10:1|1:x|1:y|0", "x"])
def test_is_a_cookie_that_we_did_not_sign_worth_nothing(released, cookie):
    assert released.ask("GET", "", headers={"Cookie": cookie}).status_code == 302


@pytest.mark.parametrize("who", ["mina", "sol", "lena", "mallory", "without-access"])
def test_do_others_get_a_sentence(released, who):
    reply = Browser(released, who).get()
    assert reply.status_code == 403 and "<h1>This did not work</h1>" in reply.text


def test_does_anothers_receipt_or_feedback_not_exist(asha, released):
    asha.upload("a.md", asha.get(f"assignments/{BEDS}/download/md").content)
    (row,) = released.store.submissions()
    released.remote("tara").give_feedback(row["id"], {f"{BEDS}.html": b"For Asha."})
    ben = Browser(released, "ben")
    for path in (f"receipts/{row['id']}", f"receipts/{row['id']}/text", f"feedback/{row['id']}/{BEDS}.html"):
        assert asha.get(path).status_code == 200 and ben.get(path).status_code == 404


def test_can_an_associate_not_set_terms(asha, released):
    token = asha.action(f"assignments/{BEDS}").partition("?")[2]
    assert "For tutors" not in asha.get(f"assignments/{BEDS}").text
    path = f"assignments/{BEDS}/terms?{token}"
    assert asha.post(path, data={"late": "marked", "marks": "at once"}).status_code == 403
    assert asha.post(path, data={"username": "asha", "deadline": "2030-01-01T00:00"}).status_code == 403


@pytest.mark.parametrize("query", ["", "?_xsrf=", "?_xsrf=forged", "?_xsrf=2|x|y|1"])
def test_is_a_form_without_the_sessions_own_token_refused(asha, released, query):
    asha.get(f"assignments/{BEDS}")
    text = answers.write_text(RELEASED, "md").encode()
    reply = asha.post(f"assignments/{BEDS}{query}", files={"answer": ("a.md", text)})
    assert reply.status_code == 403 and released.store.submissions() == []


def test_is_a_token_of_another_session_refused(asha, released):
    theirs = Browser(released, "ben").action(f"assignments/{BEDS}")
    asha.get(f"assignments/{BEDS}")
    text = answers.write_text(RELEASED, "md").encode()
    assert asha.post(theirs, files={"answer": ("a.md", text)}).status_code == 403
    assert released.store.submissions() == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_is_a_form_of_another_site_refused_even_with_the_token(asha, released, site):
    path = asha.action(f"assignments/{BEDS}")
    text = answers.write_text(RELEASED, "md").encode()
    reply = asha.post(path, {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}, files={"answer": ("a.md", text)})
    assert reply.status_code == 403 and released.store.submissions() == []


def test_can_a_script_of_another_page_not_read_with_our_cookie(asha):
    script = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}  # a learner's workspace is of the same origin
    assert asha.get("", **script).status_code == 302


def test_does_the_api_not_take_the_cookie(asha, released):
    assert asha.get("api/me").status_code == 401
    token = asha.action(f"assignments/{BEDS}").partition("?")[2]
    assert asha.post(f"api/assignments/{BEDS}/submissions?{token}", data=b"").status_code == 401


@pytest.mark.parametrize("path", ["..%2F..%2Findex.db", "data/..%2F..%2Fx", "%00", "data", f"{BEDS}.ipynb%0d%0aX: 1"])
def test_does_no_file_name_lead_elsewhere(asha, path):
    reply = asha.get(f"assignments/{BEDS}/files/{path}")
    assert reply.status_code in (400, 404) and "X" not in reply.headers


def test_do_pages_work_without_scripts_and_let_none_in(asha, released):
    asha.upload("a.md", asha.get(f"assignments/{BEDS}/download/md").content)
    (row,) = released.store.submissions()
    for path in ("", f"assignments/{BEDS}", f"receipts/{row['id']}", "receipts/" + "0" * 32):
        page = asha.get(path)
        assert "<script" not in page.text and " on" not in re.sub(r">[^<]*<", "><", page.text)
        assert page.headers["Content-Security-Policy"] == pages.POLICY and "script" not in pages.POLICY
        assert page.text.count("<h1>") == 1 and '<html lang="en-GB">' in page.text


def test_is_the_sign_in_of_pages_the_hubs_own(released):
    assert isinstance(released.application.settings["hub"], HubOAuth)
    assert released.ask("GET", "oauth_callback?code=x&state=forged").status_code == 403
