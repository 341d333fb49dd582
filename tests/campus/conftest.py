"""A tiny course that tests of the campus build in a folder of their own."""

from pathlib import Path

import pytest

SESSION = """---
title: "3.3 A tiny session"
kernelspec: {name: python3, display_name: Python 3}
session:
  code: "3.3"
  outcomes: [Add numbers.]
  sectors: [health]
  needs: []
  data: [tiny.csv]
  assignment: null
  minutes: 15
---

# A tiny session

How many patients came? See [the other one](03-4-other.md).

```{predict} minutes=2
Guess first.
```

```{code-cell} ipython3
import pandas as pd

visits = pd.read_csv("data/tiny.csv")
print(visits.patients.sum())
```

```{code-cell} ipython3
---
mystnb:
  figure:
    name: fig-tiny
    caption: |
      Patients by day.
  image:
    alt: Two bars, of three and four patients.
---
import matplotlib.pyplot as plt

plt.style.use("../course.mplstyle")
fig, ax = plt.subplots()
ax.bar(visits.day, visits.patients)
ax.set(xlabel="Day", ylabel="Patients");
```

````{practice} kind=fill-in minutes=5
Fill the gap.

```python
total = visits.patients.___()
```
````

```{solution}
It is the sum.
```

```{code-cell} ipython3
:tags: [solution]
visits.patients.sum()
```

```{quick-check} minutes=2
How many days?
- [ ] Seven. :: That is the number of patients.
- [x] Two. :: Yes, one row a day.
```

```{note} A limit
Two days say little.
```
"""


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one module of one session; the build's folders point into it."""
    modules = tmp_path / "modules"
    (modules / "03-tiny" / "data").mkdir(parents=True)
    (modules / "course.mplstyle").write_text("axes.grid: True\n")
    (modules / "03-tiny" / "index.md").write_text(
        '---\nmodule: {number: 3, title: "Tiny", hours: 24, planned: []}\n---\n# Tiny\n'
    )
    (modules / "03-tiny" / "03-3-tiny.md").write_text(SESSION)
    (modules / "03-tiny" / "data" / "tiny.csv").write_text("day,patients\n1,3\n2,4\n")
    (modules / "03-tiny" / "data" / "make_tiny.py").write_text("raise SystemExit\n")
    toc = tmp_path / "_toc.yml"
    toc.write_text(
        "format: jb-book\nroot: index\nchapters:\n- file: modules/03-tiny/index\n  sections:\n"
        "  - file: modules/03-tiny/03-3-tiny\n"
    )
    build = tmp_path / "build"
    monkeypatch.setattr("campus.syllabus.read_syllabus.__defaults__", (toc, modules))
    monkeypatch.setattr("campus.notebooks.MODULES", modules)
    monkeypatch.setattr("campus.notebooks.CLEAN", build / "clean")
    monkeypatch.setattr("campus.notebooks.EXECUTED", build / "executed")
    monkeypatch.setattr("campus.notebooks.RUNNING", build / "running")
    monkeypatch.setattr("campus.notebooks.SOURCE", build / "source")
    monkeypatch.setattr("campus.notebooks.authored", lambda: [])
    monkeypatch.setattr("campus.execution.CACHE", build / "cache")
    return tmp_path
