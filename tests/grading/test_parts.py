"""The parts: names of course systems, notebooks of other formats, marks, pages, replies, limits."""

from __future__ import annotations

import json
import re
import tarfile
import zipfile
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studykit.errors import StudyError
from studykit.exercises.definition import same
from studykit.grading.book.marks import LatePolicy, Override, mark, parse_time, read_overrides
from studykit.grading.book.page import POLICY, bars, element, page, table
from studykit.grading.book.results import Graded, Result
from studykit.grading.book.similarity import near_pairs, shingles
from studykit.grading.box import seccomp
from studykit.grading.example.maker import answer_cell, as_bytes
from studykit.grading.intake.identity import LONGEST, alike, file_name, tidy, who
from studykit.grading.intake.notebooks import Unreadable, read_notebook
from studykit.grading.intake.rebuild import Original, rebuild
from studykit.grading.intake.submissions import take_in
from studykit.grading.sandbox import replies
from studykit.grading.sandbox.staging import stage
from studykit.grading.secret import Secret
from tests.support.submissions import COURSE, LAB, put, solved

ORIGINAL = Original.of(LAB, COURSE)


@pytest.mark.parametrize(
    ("place", "student", "submitted"),
    [
        ("Ada Lovelace_1234_assignsubmission_file_/lab01.ipynb", "Ada Lovelace_1234", None),
        ("Ada Lovelace_1234_assignsubmission_file_lab.ipynb", "Ada Lovelace_1234", None),
        ("lovelaceada_98_7654_lab01_clocks.ipynb", "lovelaceada_98", None),
        ("lovelaceada_LATE_98_7654_lab01_clocks.ipynb", "lovelaceada_98", None),
        (
            "Lab 1_alove_attempt_2026-03-01-10-11-12_lab01.ipynb",
            "alove",
            "2026-03-01T10:11:12+00:00",
        ),
        ("submission_123/lab01.ipynb", "submission_123", None),
        ("ps1_ada_attempt_2026-03-01-10-11-12_lab01.ipynb", "ada", "2026-03-01T10:11:12+00:00"),
        ("ada/lab01/lab01.ipynb", "ada", None),
        ("ada.ipynb", "ada", None),
        ("lab01_ada.ipynb", "ada", None),
        ("ada-lab01_clocks.ipynb", "ada", None),
        ("lab01_clocks.ipynb", "lab01_clocks", None),
    ],
)
def test_names_of_course_systems(place: str, student: str, submitted: str | None) -> None:
    found = who(PurePosixPath(place), LAB.name)
    assert (found.student, found.submitted) == (student, submitted)


METADATA = """---
submission_11:
  :submitters:
  - :name: Ada Lovelace
    :sid: '1234'
    :email: ada@example.org
  :created_at: 2026-03-01 10:11:12.123456000 Z
  :score: 3.0
  :results:
    output: |
      :name: nobody
submission_12:
  :submitters:
  - :name: "O'Neil, Bob"
    :email: bob@example.org
  - :name: Cem
    :sid: 7
  :created_at: 2026-03-02 00:00:00.000000000 Z
"""


def test_a_gradescope_export_is_known_by_its_metadata(tmp_path: Path) -> None:
    book = as_bytes(solved())
    files = {f"submission_{number}/lab.ipynb": book for number in (11, 12, 13)}
    put(tmp_path / "in" / "assignment_5_export", files)
    put(tmp_path / "in" / "assignment_5_export", {"submission_metadata.yml": METADATA.encode()})
    found = take_in(tmp_path / "in", LAB.name, tmp_path / "spool")
    assert [(one.student, one.submitted) for one in found] == [
        ("Ada Lovelace_1234", "2026-03-01T10:11:12+00:00"),
        ("Cem_7", "2026-03-02T00:00:00+00:00"),
        ("O'Neil, Bob", "2026-03-02T00:00:00+00:00"),
        ("submission_13", None),
    ]
    assert {len(one.files) for one in found} == {1}


def test_repositories_of_github_classroom_are_named_by_their_owners(tmp_path: Path) -> None:
    names = ("two-clocks-ada", "two-clocks-bob-b", "other")
    files = {f"{name}/labs/my_lab01.ipynb": b"" for name in names}
    put(tmp_path / "two-clocks-submissions", files)
    put(tmp_path / "two-clocks-submissions", {"two-clocks-ada/.git/config": b""})
    found = take_in(tmp_path / "two-clocks-submissions", LAB.name, tmp_path / "spool")
    assert [one.student for one in found] == ["ada", "bob-b", "other"]


@given(st.text(min_size=1))
def test_any_name_becomes_one_that_can_be_shown_and_a_safe_file(name: str) -> None:
    shown = tidy(name)
    assert shown.isprintable()
    assert 0 < len(shown) <= LONGEST + 9
    assert set(file_name(name)) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
    )
    assert len(file_name(name)) < 64


def test_names_that_only_look_different_are_alike() -> None:
    assert alike("Ada  Lovelace") == alike("ada_lovelace") == alike("\uff41da lovelace")


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_an_archive_with_one_folder_around_all_is_as_the_folder(tmp_path: Path, kind: str) -> None:
    put(tmp_path / "in", {f"all/{name}/lab.ipynb": as_bytes(solved()) for name in ("a", "b")})
    path = tmp_path / f"class.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for one in sorted((tmp_path / "in").rglob("*.ipynb")):
                archive.write(one, one.relative_to(tmp_path / "in"))
    else:
        with tarfile.open(path, "w:gz") as archive:
            archive.add(tmp_path / "in" / "all", "all")
    found = take_in(path, LAB.name, tmp_path / "spool")
    assert [(one.student, len(one.files)) for one in found] == [("a", 1), ("b", 1)]


@pytest.mark.parametrize(("columns", "said"), [("student", "path"), ("path", "student")])
def test_a_list_without_a_column_is_one_sentence(tmp_path: Path, columns: str, said: str) -> None:
    (tmp_path / "list.csv").write_text(f"{columns}\nx\n", "utf-8")
    with pytest.raises(StudyError, match=f"no column '{said}'"):
        take_in(tmp_path / "list.csv", LAB.name, tmp_path / "spool")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_notebook_or_one_sentence(data: bytes) -> None:
    try:
        read_notebook(data)
    except Unreadable as error:
        assert str(error)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_in_place_of_cells_is_a_notebook_or_one_sentence(value: object) -> None:
    try:
        read_notebook(json.dumps({"nbformat": 4, "cells": value, "metadata": value}).encode())
    except Unreadable as error:
        assert str(error)


def test_format_3_is_read() -> None:
    cells = [
        {"cell_type": "code", "input": one["source"]}
        for one in solved()["cells"]
        if one["cell_type"] == "code"
    ]
    old = {"nbformat": 3, "metadata": {}, "worksheets": [{"cells": cells}]}
    rebuilt = rebuild(ORIGINAL, read_notebook(as_bytes(old)))
    assert "stamp // 1_000" in rebuilt.texts["L01.2"]
    assert rebuilt.review == rebuilt.restored == ()


def test_only_answers_come_from_a_submission() -> None:
    notebook = solved()
    for cell in notebook["cells"]:
        if "exercise" not in cell["metadata"].get("tags", ()):
            cell["source"] = "evil"
    rebuilt = rebuild(ORIGINAL, read_notebook(as_bytes(notebook)))
    assert not any("evil" in cell.source for cell in rebuilt.cells)
    assert not any("lab.check" in cell.source for cell in rebuilt.cells)
    assert rebuilt.restored


def test_a_cell_that_an_answer_needs_comes_with_it_and_no_other() -> None:
    notebook = solved({"to_ms": "def to_ms(stamp):\n    return helper(stamp)"})
    place = notebook["cells"].index(answer_cell(notebook, "to_ms"))
    for name, source in (("h", "def helper(stamp):\n    return K"), ("k", "K = 1"), ("z", "Z = 2")):
        cell = {"cell_type": "code", "id": name, "metadata": {}, "source": source}
        notebook["cells"].insert(place, cell)
    rebuilt = rebuild(ORIGINAL, read_notebook(as_bytes(notebook)))
    sources = [cell.source for cell in rebuilt.cells if cell.answers == "L01.2"]
    assert sources[:-1] == ["K = 1", "def helper(stamp):\n    return K"]
    assert rebuilt.review == ("L01.2: uses a cell that was added",)


def test_a_deleted_answer_is_found_by_its_function() -> None:
    notebook = solved()
    answer_cell(notebook, "to_ms")["id"] = "another"
    rebuilt = rebuild(ORIGINAL, read_notebook(as_bytes(notebook)))
    assert "stamp // 1_000" in rebuilt.texts["L01.2"]
    assert rebuilt.review == ("L01.2: its cell was found by its function",)


def test_nothing_that_answers_an_exercise_is_staged(tmp_path: Path) -> None:
    staged = {path.relative_to(tmp_path).as_posix() for path in stage(tmp_path).rglob("*")}
    assert "studykit/checks/lab.py" in staged
    assert not [name for name in staged if re.search(r"/lab\d|/(course|cli)/", name)]
    grading = [name for name in staged if "grading/" in name and name.endswith(".py")]
    assert all("/box/" in name or name.endswith("__init__.py") for name in grading)


def test_cases_are_repeated_by_the_secret_and_differ_without_it() -> None:
    def drawn(key: bytes, *words: str) -> list[int]:
        rng = Secret(key).random(*words)
        return [rng.randrange(10**9) for _ in range(4)]

    one = b"one secret of sixteen"
    assert drawn(one, "lab", "ada", "e") == drawn(one, "lab", "ada", "e")
    others = [
        drawn(b"another of sixteen....", "lab", "ada", "e"),
        drawn(one, "lab", "bob", "e"),
        drawn(one, "lab", "ad", "ae"),
        drawn(one, "lab|ada", "e"),
    ]
    assert drawn(one, "lab", "ada", "e") not in others


def test_a_secret_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    assert Secret.load(path).key == Secret.load(path).key
    assert path.stat().st_mode & 0o077 == 0
    path.write_text("short", "ascii")
    with pytest.raises(StudyError, match="shorter than 16"):
        Secret.load(path)


def _result(**more: str) -> Result:
    one = Graded(id="L01.1", verdict="pass", points=4, earned=4)
    return Result(student="a", key="", status="graded", exercises=(one,), **more)


@pytest.mark.parametrize(
    ("submitted", "percent"),
    [
        ("", 0),
        ("2026-03-01T12:00:00Z", 0),
        ("2026-03-01T12:00:01Z", 10),
        ("2026-03-02T12:00:00Z", 10),
        ("2026-03-02T12:00:01Z", 20),
        ("2026-03-04T12:00:00Z", 30),
        ("2026-03-04T12:00:01Z", 100),
        ("2026-03-01T14:00:00+02:00", 0),
    ],
)
def test_a_day_begun_counts_whole(submitted: str, percent: int) -> None:
    policy = LatePolicy(parse_time("2026-03-01T12:00:00Z"), 10, 3)
    found = mark(_result(submitted=submitted), policy, {})
    assert found.percent_off == percent
    assert found.total == Decimal(4) * (100 - percent) / 100


def test_an_override_of_the_total_wins_over_the_late_policy() -> None:
    policy = LatePolicy(parse_time("2026-03-01T12:00:00Z"), 10, 3)
    decided = {("a", ""): Override(Decimal(3), "ill")}
    found = mark(_result(submitted="2026-03-09T12:00Z"), policy, decided)
    assert (found.total, found.reasons) == (Decimal(3), ("total: ill",))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a,L09.9,1,why", "no exercise L09.9"),
        ("a,L01.1,many,why", "'many' is no number"),
        ("a,L01.1,nan,why", "'nan' is no number"),
        ("a,L01.1,-1,why", "'-1' is no number"),
        ("a,L01.1,1, ", "give a reason"),
    ],
)
def test_a_wrong_override_names_its_line(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "decided.csv"
    path.write_text(f"student,exercise,points,reason\n{line}\n", "utf-8")
    with pytest.raises(StudyError, match=f"line 2: .*{said}"):
        read_overrides(path, LAB)


class _Strict(HTMLParser):
    """Notes which elements and attributes a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen |= {tag, *(name for name, _ in attrs)}


@given(st.text())
def test_no_text_becomes_markup(text: str) -> None:
    parser = _Strict()
    parser.feed(
        page(
            text, [element("p", text), table(text, [text], [[text]]), bars(text, text, [(text, 1)])]
        )
    )
    plain = _Strict()
    plain.feed(page("", [element("p", ""), table("", [""], [[""]]), bars("", "", [("", 1)])]))
    assert parser.seen == plain.seen


def test_a_page_allows_nothing_but_its_own_style() -> None:
    text = page("x", [])
    assert "default-src 'none'" in POLICY
    assert "unsafe" not in POLICY
    assert POLICY in text
    assert '<html lang="en">' in text


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{",
        b'{"nonce": "m"}',
        b'{"nonce": "n", "x": NaN}',
        b'{"nonce": "n", "x": -Infinity}',
        b"[" * 50_000,
        b'{"nonce": "n", "x": ' + b"9" * 5_000 + b"}",
        b"\xff",
    ],
)
def test_a_reply_that_is_none_is_a_bad_reply(line: bytes) -> None:
    with pytest.raises(replies.BadReply):
        replies.parse(line, "n")


@pytest.mark.parametrize(
    "outcomes",
    [
        [],
        [{"value": 1}] * 3,
        {},
        "pass",
        [1],
        [{}],
        [{"value": 1, "hung": 1}],
        [{"verdict": "pass"}],
        [{"raised": "x"}],
        [{"raised": 1, "line": ""}],
        [{"value": 1e999}],
        [{"value": "\ud800"}],
        [{"value": {"\ud800": 1}}],
    ],
)
def test_outcomes_of_another_shape_are_a_bad_reply(outcomes: object) -> None:
    with pytest.raises(replies.BadReply):
        replies.outcomes({"outcomes": [outcomes]}, 1, 2, 1.0)


@pytest.mark.parametrize("found", [None, [], {}, [None, None], "pass"])
def test_other_than_one_answer_each_time_is_a_bad_reply(found: object) -> None:
    with pytest.raises(replies.BadReply):
        replies.outcomes({"outcomes": found}, 1, 2, 1.0)


@pytest.mark.parametrize("value", [None, True, 0, 1.5, "x", [], [[1]], {"a": {"b": [None]}}])
def test_plain_values_come_through_unchanged(value: object) -> None:
    reply = {"outcomes": [[{"value": value}]]}
    assert same(replies.outcomes(reply, 1, 1, 1.0), [[{"value": value}]])


def test_how_long_something_hung_is_not_for_the_submission_to_say() -> None:
    reply = {"outcomes": [[{"hung": "never"}]]}
    assert replies.outcomes(reply, 1, 1, 5.0) == [[{"hung": 5.0}]]


def test_renaming_and_comments_hide_nothing() -> None:
    text = "\n".join(f"x{n} = call(y{n}, {n}) + z[{n}] * {n} - {n}" for n in range(12))
    changed = text.replace("x", "other").replace("call", "invoke") + "  # mine"
    book = [
        Result(student=name, key="", status="graded", shingles=shingles([source], []))
        for name, source in (("a", text), ("b", changed), ("c", "def f():\n    return 1"))
    ]
    assert [(pair.one, pair.other, pair.share) for pair in near_pairs(book)] == [("a", "b", 1.0)]


def test_what_the_course_gives_is_nobody_s_own() -> None:
    given_text = "def f(x):\n    return x + 1 + 2 + 3 + 4"
    assert shingles([given_text], [given_text]) == ()


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_a_filter_never_jumps_past_its_end(machine: str) -> None:
    code = seccomp.program(machine)
    steps = [code[at : at + 8] for at in range(0, len(code), 8)]
    for place, step in enumerate(steps):
        if step[0] & 0x07 == 0x05:
            assert place + 1 + max(step[2], step[3]) < len(steps)
    assert steps[-1][0] == 0x06


def test_a_machine_without_a_filter_is_no_sandbox() -> None:
    with pytest.raises(OSError, match="no seccomp filter"):
        seccomp.program("vax")
