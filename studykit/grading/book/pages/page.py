"""Pages: self-contained, escaped, without a script, readable aloud and in the dark."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final, TypeAlias

from studykit.grading.intake.identity import file_name
from studykit.grading.intake.text import printable

STYLE: Final = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#59636e;--line:#d1d9e0;--paper:#fff;
--tint:#f6f8fa;--pass:#1a7f37;--fail:#bc4c00;--bar:#0969da}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9198a1;--line:#3d444d;
--paper:#0d1117;--tint:#151b23;--pass:#3fb950;--fail:#f0883e;--bar:#4493f8}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:62rem;padding:2rem 1.25rem 4rem;
background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
h1{font-size:1.7rem;margin:0 0 .25rem}h2{font-size:1.2rem;margin:2.5rem 0 .75rem}
h3{font-size:1rem;margin:1.75rem 0 .5rem}p{margin:.4rem 0;max-width:46rem}.soft{color:var(--soft)}
a{color:var(--bar)}
table{border-collapse:collapse;width:100%;font-size:.92rem}
caption{text-align:left;color:var(--soft);padding:.2rem 0 .5rem}
th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
td,th,p,li{overflow-wrap:anywhere}
th[scope=col]{color:var(--soft);font-weight:600;white-space:nowrap}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto;margin-top:.75rem}
pre{background:var(--tint);border:1px solid var(--line);border-radius:6px;padding:.8rem 1rem;
font:13px/1.5 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere;margin:.4rem 0}
.verdict{font-weight:600}.pass{color:var(--pass)}.fail{color:var(--fail)}
.warn{border-left:4px solid var(--fail);padding:.5rem 1rem;background:var(--tint)}
summary{cursor:pointer;padding:.35rem 0;font-weight:600}
details:target{outline:2px solid var(--bar);outline-offset:.4rem}
svg{display:block;max-width:100%;height:auto}
svg text{fill:var(--ink);font:12px system-ui,sans-serif}svg .axis{stroke:var(--line)}
svg .bar{fill:var(--bar)}svg .soft{fill:var(--soft)}
.heat td.cell{text-align:center;font-variant-numeric:tabular-nums}
.h1{background:color-mix(in srgb,var(--bar) 15%,transparent)}
.h2{background:color-mix(in srgb,var(--bar) 30%,transparent)}
.h3{background:color-mix(in srgb,var(--bar) 45%,transparent)}
.h4{background:color-mix(in srgb,var(--bar) 60%,transparent)}
@media print{:root{color-scheme:light;--ink:#000;--soft:#333;--line:#999;--paper:#fff;
--tint:#fff}body{max-width:none;padding:0;font-size:10pt}a{color:inherit}h2,h3,summary{
break-after:avoid}tr,pre,svg{break-inside:avoid}thead{display:table-header-group}
.wide{overflow:visible}th[scope=col]{white-space:normal}.h1,.h2,.h3,.h4,.bar{
print-color-adjust:exact}details::details-content{content-visibility:visible;
display:contents}
details:not([open]) .code{display:none}}
"""

# By its hash: no other style is applied, wherever it may come from.
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"
)


def page(title: str, body: Iterable[str]) -> str:
    """Return a page. `title` is text; `body` is HTML made by the functions here."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>{shown(title)}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            "<main>",
            *body,
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


@dataclass(frozen=True, slots=True)
class Link:
    """A text that leads to a place on the same page.

    Args:
        text: What is shown.
        place: The place's name: letters, digits and hyphens.
    """

    text: str
    place: str


Cell: TypeAlias = "str | Link | Sequence[Link]"


def evidence(student: str) -> Link:
    """Return a student's name as the way to what the submission ran and what was said of it."""
    return Link(student, f"of-{file_name(student)}")


def element(tag: str, text: str, kind: str = "") -> str:
    """Return an element that holds text."""
    style = f' class="{kind}"' if kind else ""
    return f"<{tag}{style}>{shown(text)}</{tag}>"


def table(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    numbers: Sequence[int] = (),
) -> str:
    """Return a table of texts and links; the first cell of a row names it.

    Args:
        caption: What the table shows.
        columns: The columns' names.
        rows: The cells; of several links in one, commas are between them.
        numbers: Which columns are numbers.
    """
    kind = ['class="number"' if index in numbers else "" for index in range(len(columns))]
    head = "".join(
        f'<th scope="col" {kind[index]}>{shown(name)}</th>' for index, name in enumerate(columns)
    )
    lines = [
        f'<div class="wide" role="region" tabindex="0" aria-label="{shown(caption)}"><table>',
        f"<caption>{shown(caption)}</caption>",
        f"<thead><tr>{head}</tr></thead><tbody>",
    ]
    for row in rows:
        first = f'<th scope="row" {kind[0]}>{_cell(row[0])}</th>'
        rest = "".join(
            f"<td {kind[index]}>{_cell(cell)}</td>" for index, cell in enumerate(row[1:], 1)
        )
        lines.append(f"<tr>{first}{rest}</tr>")
    return "\n".join([*lines, "</tbody></table></div>"])


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return shown(cell)
    links = [cell] if isinstance(cell, Link) else cell
    return ", ".join(f'<a href="#{escape(link.place)}">{shown(link.text)}</a>' for link in links)


def bars(title: str, unit: str, counts: Sequence[tuple[str, int]]) -> str:
    """Return a bar chart as a picture with a text for those who cannot see it."""
    tallest = max((count for _, count in counts), default=0) or 1
    width = max(28, min(64, 640 // max(1, len(counts))))
    total = width * len(counts) + 20
    said = ", ".join(f"{label}: {count}" for label, count in counts if count)
    parts = [
        f'<svg viewBox="0 0 {total} 180" width="{total}" role="img" '
        f'aria-label="{shown(title)}. {shown(said)}">',
        f'<line class="axis" x1="8" y1="140" x2="{total - 8}" y2="140"/>',
    ]
    for index, (label, count) in enumerate(counts):
        height = round(110 * count / tallest)
        left = 10 + index * width
        middle = left + width / 2
        parts.append(
            f'<rect class="bar" x="{left + 3}" y="{140 - height}" width="{width - 6}" '
            f'height="{height}" rx="2"/>'
        )
        if count:
            parts.append(
                f'<text x="{middle}" y="{134 - height}" text-anchor="middle">{count}</text>'
            )
        parts.append(
            f'<text class="soft" x="{middle}" y="156" text-anchor="middle">{shown(label)}</text>'
        )
    parts.append(
        f'<text class="soft" x="{total / 2}" y="175" text-anchor="middle">{shown(unit)}</text>'
    )
    return "\n".join([*parts, "</svg>"])


def shown(text: str) -> str:
    """Return text as HTML, without characters that steer a terminal or hide others."""
    return escape(printable(text))
