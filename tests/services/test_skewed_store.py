"""The evidence of lab 13: the same from a real store and without one, with each cause once."""

from __future__ import annotations

import pytest

from studykit.errors import StudyError
from studykit.exercises.lab13_features.e7_find_skew import EXERCISE
from studykit.services import skewed_store
from studykit.services.own_store import own_store


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "labs/my_lab13.ipynb")


@pytest.fixture
def headless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)


@pytest.mark.services
def test_a_real_store_holds_what_is_put_together_without_one(
    live: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = skewed_store.skewed_store()
    monkeypatch.delenv("JPY_SESSION_NAME")
    assert skewed_store.skewed_store() == real


def test_each_cause_is_there_once(headless: None) -> None:
    found = EXERCISE.reference(*skewed_store.skewed_store())
    causes = {card: cause for card, (cause, _) in found.items()}
    assert causes == {"c2": "race", "c3": "revision", "c4": "ttl", "c5": "writer"}


def test_where_nobody_looks_nothing_is_started(
    headless: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studykit.services.own_store.own_store", None)
    assert set(skewed_store.skewed_store().stored) == {"c1", "c2", "c3", "c5"}


def test_without_a_server_a_sentence_and_the_same_evidence(
    live: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise StudyError("there is no redis-server")

    monkeypatch.setattr("studykit.services.own_store.own_store", refuse)
    evidence = skewed_store.skewed_store()
    assert "It did not: there is no redis-server." in capsys.readouterr().out
    monkeypatch.delenv("JPY_SESSION_NAME")
    assert skewed_store.skewed_store() == evidence


@pytest.mark.services
def test_a_store_of_ones_own_is_gone_afterwards() -> None:
    with own_store() as client, pytest.raises(RuntimeError):
        port = client.get_connection_kwargs()["port"]
        raise RuntimeError
    from studykit.services.network.ports import is_taken  # noqa: PLC0415

    assert not is_taken(port)
