"""axe-core in a test's page: a second opinion on what can be read without seeing.

npm compares the script with the lock beside this file, and keeps it below `.study`.
"""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

from studykit.site.python import npm_package

_HERE = Path(__file__).parent
_CACHE = _HERE.parents[2] / ".study" / "axe"
_RUN = """async within => {
    const told = await axe.run({include: within}, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
        rules: {region: {enabled: within.includes("html")}},
    });
    return told.violations.flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.html}`));
}"""
"""Rules of WCAG 2.1, A and AA, and axe's advice; landmarks are a whole page's affair."""


def findings(page: Page, *within: str) -> list[str]:
    """Return what axe finds wrong within selectors, or in the whole page: rule and element."""
    axe = npm_package("axe-core", _CACHE, _HERE) / "axe.min.js"
    page.evaluate(axe.read_text("utf-8"))
    found: list[str] = page.evaluate(_RUN, list(within) or ["html"])
    return found
