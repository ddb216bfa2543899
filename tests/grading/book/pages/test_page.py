"""Pages: no text becomes markup, nothing is loaded."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from studykit.grading.book.pages.page import POLICY, bars, element, page, table


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
