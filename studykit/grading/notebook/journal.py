"""The journal: what a student wrote into the text cells that a lab keeps for decisions.

A person reads it; no mark depends on it, and nothing of it is ever run. A cell is found by its id,
or by its first line where an editor has given it another id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from studykit.grading.notebook.reading import Notebook

MOST: Final = 2_000
"""Characters of one entry that are kept."""


def journal_of(blank: Mapping[str, str], submitted: Notebook) -> tuple[tuple[str, str], ...]:
    """Return the heading and the words of each cell that was written into, in the lab's order.

    Args:
        blank: The cells of the journal before anybody has written into them, by their ids.
        submitted: The notebook, whatever is in it.
    """
    texts = [(cell.id, cell.source.strip()) for cell in submitted.cells if cell.kind != "code"]
    found = []
    for cell_id, template in blank.items():
        title = template.partition("\n")[0]
        own = [text for id_, text in texts if id_ == cell_id]
        alike = [text for _, text in texts if text.partition("\n")[0] == title]
        written = next((text for text in [*own, *alike] if text != template.strip()), "")
        if text := _below(written, template):
            cut = text if len(text) <= MOST else f"{text[:MOST]}\n... cut"
            found.append((title.strip("*# "), cut))
    return tuple(found)


def _below(written: str, template: str) -> str:
    """Return a text without the heading and the request that the template begins with."""
    head = template.partition("\n\n")[0]
    return written.removeprefix(head).strip()
