"""The folder in which the production job keeps its checkpoints."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import pytest

from flink_jobs.config import Settings
from flink_jobs.job.state import (
    STATEMENTS,
    Identity,
    JobUnusable,
    State,
    StateFolder,
    identity_of,
)

RECOVERY = "execution.state-recovery.path"


def _checkpoint(folder: Path, age_s: int, *, complete: bool = True) -> Path:
    folder.mkdir(parents=True)
    if complete:
        (folder / "_metadata").touch()
        os.utime(folder / "_metadata", (1_000_000 - age_s, 1_000_000 - age_s))
    return folder


def test_a_first_start_recovers_from_nothing(tmp_path: Path):
    assert RECOVERY not in StateFolder(tmp_path / "new").options(Settings())


def test_the_newest_complete_one_is_gone_on_from_savepoint_or_checkpoint(tmp_path: Path):
    _checkpoint(tmp_path / "checkpoints" / "job" / "chk-9", 20)
    savepoint = _checkpoint(tmp_path / "savepoints" / "savepoint-1", 10)
    _checkpoint(tmp_path / "checkpoints" / "job" / "chk-10", 0, complete=False)
    assert StateFolder(tmp_path).options(Settings())[RECOVERY] == savepoint.as_uri()


USUAL = Settings()
FIELDS = {"transactions": ("event_time", "lat"), "clickstream": ("event_time",)}
TOPICS = {"transactions": "id-1", "clickstream": "id-2"}


def identity(
    settings: Settings = USUAL, fields: Mapping = FIELDS, topics: Mapping = TOPICS
) -> Identity:
    return identity_of(settings, fields, topics)


def test_the_same_windows_are_gone_on_with_whatever_else_changes(tmp_path: Path):
    StateFolder(tmp_path).claim(identity())
    StateFolder(tmp_path).claim(identity(Settings(checkpoint_interval_ms=50, redis_port=1)))


OTHER = {
    "size": Settings(window_size_minutes=6),
    "slide": Settings(window_slide_seconds=30),
    "bound": Settings(max_out_of_orderness_seconds=29),
    "future": Settings(max_future_seconds=1),
}


@pytest.mark.parametrize("other", OTHER)
def test_other_windows_are_refused_each_time(tmp_path: Path, other: str):
    StateFolder(tmp_path).claim(identity())
    for _ in range(2):
        with pytest.raises(JobUnusable, match=r"was left with other settings .*another --state"):
            StateFolder(tmp_path).claim(identity(OTHER[other]))


@pytest.mark.parametrize("other", OTHER)
def test_a_cluster_s_folder_refuses_other_windows_too(tmp_path: Path, other: str):
    cluster = {"execution.checkpointing.dir": tmp_path.as_uri()}
    State().claim_in(cluster, identity())
    State().claim_in(cluster, identity())
    with pytest.raises(JobUnusable, match=r"another execution.checkpointing.dir"):
        State().claim_in(cluster, identity(OTHER[other]))


def test_a_cluster_says_what_a_start_goes_on_from(tmp_path: Path):
    state = State()
    state.claim_in({"execution.state-recovery.path": "file:///state/savepoint-1"}, identity())
    assert state.origin == Path("/state/savepoint-1")
    state.claim_in({"execution.state-recovery.path": "s3://bucket/savepoint-1"}, identity())
    assert state.origin is None


@pytest.mark.parametrize("other", OTHER)
def test_a_cluster_s_savepoint_refuses_other_windows_in_a_new_folder_of_checkpoints(
    tmp_path: Path, other: str
):
    """As after an edit of a deployment that keeps `initialSavepointPath` and moves the rest."""
    options = ("execution.checkpointing.dir", "execution.checkpointing.savepoint-dir")
    theirs, ours = (
        {option: (tmp_path / release / option).as_uri() for option in options}
        for release in ("old", "new")
    )
    State().claim_in(theirs, identity())
    savepoint = _checkpoint(tmp_path / "old" / options[1] / "savepoint-1", 0)
    ours[RECOVERY] = savepoint.as_uri()
    with pytest.raises(JobUnusable, match=r"other settings .*another execution.state-recovery"):
        State().claim_in(ours, identity(OTHER[other]))
    assert not (tmp_path / "new").exists(), "a start that is refused claims nothing"
    State().claim_in(ours, identity())


def test_a_topic_that_was_created_anew_is_named(tmp_path: Path):
    StateFolder(tmp_path).claim(identity())
    anew = {**TOPICS, "clickstream": "id-3"}
    with pytest.raises(JobUnusable, match=r"created anew since \(clickstream\)"):
        StateFolder(tmp_path).claim(identity(topics=anew))


def test_lines_of_other_fields_are_refused(tmp_path: Path):
    StateFolder(tmp_path).claim(identity())
    with pytest.raises(JobUnusable, match=r"lines with other fields \(transactions\)"):
        StateFolder(tmp_path).claim(identity(fields={**FIELDS, "transactions": ("event_time",)}))


def _with_sql(monkeypatch, old: str, new: str) -> None:
    read_text = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda path: read_text(path).replace(old, new))


def test_a_statement_that_has_changed_is_named(tmp_path: Path, monkeypatch):
    StateFolder(tmp_path).claim(identity())
    _with_sql(
        monkeypatch,
        "ARRAY_JOIN(ARRAY_AGG(line), ',') AS lines",
        "LISTAGG(line, ',') AS lines, COUNT(*)",
    )
    with pytest.raises(JobUnusable, match=r"other statements \(fraud.sql, personalization.sql\)"):
        StateFolder(tmp_path).claim(identity())


def test_a_feature_set_less_is_named(tmp_path: Path):
    theirs = identity()
    theirs["statements"]["velocity.sql"] = "a checksum"
    StateFolder(tmp_path).claim(theirs)
    with pytest.raises(JobUnusable, match=r"other statements \(velocity.sql\)"):
        StateFolder(tmp_path).claim(identity())


def test_a_feature_set_more_is_let_in_by_its_name_and_belongs_to_the_state_then(tmp_path: Path):
    before = identity()
    del before["statements"]["session.sql"]
    StateFolder(tmp_path).claim(before)
    folder = StateFolder(tmp_path)
    folder.claim(identity())
    assert folder.new_sets == ["session"]
    with pytest.raises(JobUnusable, match=r"other statements \(session.sql\)"):
        StateFolder(tmp_path).claim(before)
    folder.claim(identity())
    assert folder.new_sets == []


@pytest.mark.parametrize("place", ["checkpoints/job/chk-1", "savepoints/savepoint-1"])
def test_what_another_job_left_is_refused_as_an_origin(tmp_path: Path, place: str):
    theirs = tmp_path / "theirs"
    StateFolder(theirs).claim(identity(OTHER["bound"]))
    origin = _checkpoint(theirs / place, 0)
    ours = StateFolder(tmp_path / "ours", origin)
    with pytest.raises(JobUnusable, match=r"other settings .*another --state and no --from"):
        ours.claim(identity())
    assert not (tmp_path / "ours").exists(), "a start that is refused claims nothing"


def test_a_savepoint_that_is_moved_alone_knows_what_it_belongs_to(tmp_path: Path):
    folder = StateFolder(tmp_path / "theirs")
    folder.claim(identity(OTHER["slide"]))
    savepoint = _checkpoint(folder.savepoints / "savepoint-1", 0)
    folder.sign(savepoint)
    moved = savepoint.rename(tmp_path / "moved")
    with pytest.raises(JobUnusable, match=r"other settings \(window_slide_seconds: 30\)"):
        StateFolder(tmp_path / "ours", moved).claim(identity())


def test_a_statement_may_be_indented_anew_and_explained_otherwise(tmp_path: Path, monkeypatch):
    StateFolder(tmp_path).claim(identity())
    _with_sql(monkeypatch, "\n  ", "\n\n      -- more\n  ")
    StateFolder(tmp_path).claim(identity())


def test_every_statement_with_state_is_part_of_the_identity():
    ours = {f"{name}.sql" for name in STATEMENTS}
    stateless = {"dead_letters.sql"}
    edges = {path.name for path in (files("flink_jobs") / "sql").iterdir()} - ours - stateless
    assert all(name.startswith(("source_", "sink_", "insert_")) for name in edges)


def test_a_start_knows_how_long_the_job_was_away(tmp_path: Path):
    _checkpoint(tmp_path / "savepoints" / "savepoint-1", 10)
    folder = StateFolder(tmp_path)
    folder.options(Settings())
    assert folder.away_s > 1_000_000


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(JobUnusable, match=r"^cannot keep state in .*choose another --state$"):
        StateFolder(tmp_path / "file" / "state").claim(identity())


def test_a_folder_that_another_job_holds_is_one_sentence(tmp_path: Path):
    with (
        StateFolder(tmp_path).held(),
        pytest.raises(JobUnusable, match=r"runs already: stop that one first$"),
        StateFolder(tmp_path).held(),
    ):
        pass
    with StateFolder(tmp_path).held():  # a job that has ended leaves it free
        pass


def test_a_cluster_is_asked_for_nothing_that_its_configuration_says():
    options = State().options(Settings())
    assert not [name for name in options if name.endswith((".dir", ".path", "-dir"))]
    assert options["execution.checkpointing.mode"] == "EXACTLY_ONCE"
