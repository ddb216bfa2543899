"""HTML that widgets show, made for screen readers too, and the pictures for pages without a kernel.

Every text goes through `escape`: a key of an event may be anything.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from typing import Any

from studykit.figures.exhibit import Row


def picture(image: bytes, alt: str) -> str:
    """Return an embedded image, PNG or SVG; `alt` says in words what it shows."""
    kind = "svg+xml" if image.startswith(b"<svg") else "png"
    data = b64encode(image).decode()
    return f'<img alt="{escape(alt)}" style="max-width:100%" src="data:image/{kind};base64,{data}">'


def status(sentence: str) -> str:
    """Return a sentence that a screen reader reads whenever the sentence changes."""
    return f'<p role="status" aria-live="polite" style="line-height:1.4">{escape(sentence)}</p>'


def alert(sentence: str) -> str:
    """Return a sentence about a problem, which a screen reader reads at once."""
    return f'<p role="alert" style="line-height:1.4"><b>{escape(sentence)}</b></p>'


def table(rows: Sequence[Row], caption: str) -> str:
    """Return rows as a table whose headings are those of the first row."""
    if not rows:
        return f"<p>{escape(caption)}: nothing yet.</p>"
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in rows[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row.values()) + "</tr>"
        for row in rows
    )
    return f"<table><caption>{escape(caption)}</caption><tr>{head}</tr>{body}</table>"


def bundle(live: Any, png: bytes, sentence: str) -> dict[str, Any]:  # noqa: ANN401
    """Return a widget's output: the widget, and picture and sentence for pages without a kernel.

    Args:
        live: What the widget's own `_repr_mimebundle_` returned: a bundle, or one and its metadata.
        png: The picture for a page without a kernel; empty for the sentence alone.
        sentence: What the picture says. It stands below the picture, and is its alternative text.
    """
    data = live[0] if isinstance(live, tuple) else live
    image = picture(png, sentence) if png else ""
    still = f"{image}<p>{escape(sentence)}</p>"
    return {**(data or {}), "text/html": still, "text/plain": sentence}
