"""Is what Lighthouse says read right, and is Lighthouse locked by digests?"""

import json

import pytest

from campus.errors import CampusError
from campus.lighthouse import LOCK, choose_middle, read_report

NAME = "modules/03-queues/03-3-clinic.html"


def audit(score: float | None, value: float = 0.0, mode: str = "numeric", title: str = "An audit") -> dict:
    return {"score": score, "numericValue": value, "scoreDisplayMode": mode, "title": title}


def make_report(performance: float, largest: float) -> dict:
    """A report of a page whose largest paint came after so many milliseconds."""
    audits = {
        "first-contentful-paint": audit(1.0, 1234.4),
        "largest-contentful-paint": audit(0.5, largest, title="Largest Contentful Paint"),
        "cumulative-layout-shift": audit(1.0, 0.01234),
        "total-blocking-time": audit(1.0, 61.6),
        "link-name": audit(1.0, mode="binary"),
        "video-caption": audit(None, mode="notApplicable", title="Videos have captions"),
    }
    weighed = {
        "performance": ["first-contentful-paint", "largest-contentful-paint", "cumulative-layout-shift"],
        "accessibility": ["link-name", "video-caption"],
        "best-practices": [],
    }
    scores = {"performance": performance, "accessibility": 1.0, "best-practices": 0.96}
    categories = {
        kind: {"score": scores[kind], "auditRefs": [{"id": name, "weight": 1} for name in names]}
        for kind, names in weighed.items()
    }
    return {"categories": categories, "audits": audits}


def test_are_marks_of_a_hundred_and_paints_in_seconds():
    looked = read_report(make_report(0.97, 2345), NAME)
    assert (looked.performance, looked.accessibility, looked.best_practices) == (97, 100, 96)
    assert (looked.first_paint, looked.largest_paint, looked.layout_shift, looked.blocked) == (1.23, 2.35, 0.012, 62)


def test_does_a_mark_under_the_aim_name_what_cost_it_and_nothing_that_does_not_apply():
    looked = read_report(make_report(0.8, 5000), NAME)
    assert looked.shortfalls == ["performance 80 (largest-contentful-paint: Largest Contentful Paint)"]


def test_does_the_run_of_middling_performance_count():
    runs = [read_report(make_report(mark, 2000), NAME) for mark in (0.99, 0.71, 0.96)]
    assert choose_middle(runs).performance == 96


def test_is_a_page_that_did_not_load_an_error():
    report = make_report(0.9, 2000) | {"runtimeError": {"code": "NO_FCP", "message": "The page did not paint."}}
    with pytest.raises(CampusError, match="could not look at .*03-3-clinic.html: The page did not paint."):
        read_report(report, NAME)


def test_has_every_package_of_the_lock_a_digest():
    lock = json.loads((LOCK / "package-lock.json").read_text())
    wanted = json.loads((LOCK / "package.json").read_text())["dependencies"]["lighthouse"]
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert packages["node_modules/lighthouse"]["version"] == wanted
    assert [name for name, one in packages.items() if not one.get("integrity", "").startswith("sha512-")] == []
