"""The ledger: every claim about Flink, Kafka or Redis has a proof, and every proof a claim.

To add a claim:

1. Put a mark after the sentence, `<!-- claim: flink-what-it-does -->`; in the definition of an
   exercise the comment `# claim: flink-what-it-does`. The id begins with `flink-`, `kafka-` or
   `redis-`. A sentence that says the same elsewhere gets the same id.
2. Write a test that sees the real engine do it, in `tests/notebooks/claims/` or wherever it fits,
   and mark it with `@pytest.mark.claim("flink-what-it-does")`; several ids may stand in one mark.
   If a lesson asserts it while it runs, mark the test that runs the lesson.
3. Only where no machine of ours can show it, write no test, but let a link to the primary source
   follow the mark: `<!-- claim: kafka-x --><sup>[source: Kafka, topic settings](https://...)</sup>`.

`test_statements` finds the sentences that lack one.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from studykit.course.claims import Claim, claims, claims_of_code, claims_of_page
from studykit.course.layout import Course
from tests.support.proofs import Proof, proofs

CLAIMS = claims(Course.of_clone())


@pytest.fixture(scope="module")
def ledger() -> list[Proof]:
    return proofs()


def without_proof(said: list[Claim], shown: list[Proof]) -> list[str]:
    """Return where something is claimed that nothing proves, and that names no source."""
    proven = {claim_id for proof in shown for claim_id in proof.claims}
    return [
        f"{claim.place}: {claim.id}"
        for claim in said
        if not claim.source and claim.id not in proven
    ]


def without_claim(said: list[Claim], shown: list[Proof]) -> list[str]:
    """Return the proofs of what nobody says, or for which a source is given."""
    asked = {claim.id for claim in said if not claim.source}
    return [
        f"{proof.test}: {claim_id}"
        for proof in shown
        for claim_id in proof.claims
        if claim_id not in asked
    ]


def test_every_claim_has_a_proof_or_a_source(ledger: list[Proof]) -> None:
    assert without_proof(CLAIMS, ledger) == []


def test_every_proof_has_a_claim(ledger: list[Proof]) -> None:
    assert without_claim(CLAIMS, ledger) == []


def test_every_proof_is_run_and_asserts(ledger: list[Proof]) -> None:
    assert [f"{proof.test}: {proof.fault}" for proof in ledger if proof.fault] == []


def test_every_id_names_its_engine() -> None:
    assert [f"{claim.place}: {claim.id}" for claim in CLAIMS if not claim.is_well_formed] == []


def test_an_id_is_proven_or_sourced_but_not_both() -> None:
    kinds = {(claim.id, claim.source is None) for claim in CLAIMS}
    assert [name for name, count in Counter(name for name, _ in kinds).items() if count > 1] == []


# The ledger itself

PAGE = """
First this. A window
fires late. <!-- claim: flink-fires --> So it *does*:
<!-- claim: flink-does --><sup>[source: Flink,
windows](https://example.org/windows)</sup> And
- a list says so. <!-- claim: Odd Id -->
"""

TESTS = """
import pytest
@pytest.mark.claim("flink-fires", "flink-unsaid")
@pytest.mark.parametrize("n", [1, 2])
def test_it_fires(n): assert n
@pytest.mark.claim("flink-skipped")
@pytest.mark.skip
def test_it_would_fire(): assert False
@pytest.mark.claim("flink-raises")
def test_it_is_refused():
    with pytest.raises(ValueError): raise ValueError
@pytest.mark.claim("flink-empty")
def test_it_proves_nothing(): print("fires")
def test_of_something_else(): assert True
"""


@pytest.fixture
def page(tmp_path: Path) -> list[Claim]:
    (tmp_path / "page.md").write_text(PAGE)
    return list(claims_of_page(tmp_path / "page.md", tmp_path))


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> list[Proof]:
    root = tmp_path_factory.mktemp("scratch")
    (root / "tests").mkdir()
    (root / "tests" / "test_it.py").write_text(TESTS)
    return proofs(root)


def test_a_claim_is_the_sentence_before_its_mark(page: list[Claim]) -> None:
    fires, does, odd = page
    assert fires == Claim("flink-fires", "A window fires late.", "page.md:3")
    assert does == Claim("flink-does", "So it *does*:", "page.md:4", "Flink, windows")
    assert (odd.sentence, odd.place) == ("a list says so.", "page.md:6")


def test_an_id_that_names_no_engine_is_found(page: list[Claim]) -> None:
    assert [claim.id for claim in page if not claim.is_well_formed] == ["Odd Id"]


def test_the_text_of_a_lesson_is_read_without_its_comment_signs(tmp_path: Path) -> None:
    (tmp_path / "01.py").write_text("# %% [markdown]\n# It goes\n# on. <!-- claim: redis-on -->\n")
    (claim,) = claims_of_page(tmp_path / "01.py", tmp_path)
    assert claim.sentence.endswith("It goes on.")


def test_a_definition_claims_in_a_comment(tmp_path: Path) -> None:
    (tmp_path / "e1.py").write_text('TEXT = (\n    "It fires."  # claim: flink-fires\n)\n')
    (claim,) = claims_of_code(tmp_path / "e1.py", tmp_path)
    assert claim == Claim("flink-fires", "It fires.", "e1.py:2")


def test_a_claim_without_a_proof_is_found_and_a_sourced_one_needs_none(
    page: list[Claim], shown: list[Proof]
) -> None:
    assert without_proof(page, shown) == ["page.md:6: Odd Id"]


def test_a_proof_without_a_claim_is_found(page: list[Claim], shown: list[Proof]) -> None:
    fires = [proof for proof in shown if "flink-fires" in proof.claims]
    assert without_claim(page, fires) == ["tests/test_it.py::test_it_fires: flink-unsaid"]


def test_a_proof_that_is_never_run_or_asserts_nothing_is_found(shown: list[Proof]) -> None:
    assert {proof.test.partition("::")[2]: proof.fault for proof in shown} == {
        "test_it_fires": None,
        "test_it_would_fire": "it is marked skip",
        "test_it_is_refused": None,
        "test_it_proves_nothing": "it asserts nothing",
    }
