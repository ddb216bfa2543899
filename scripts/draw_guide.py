"""Draw the study guide's pictures into docs/, and print what the guide says of each.

.venv/bin/python scripts/draw_guide.py
"""

from __future__ import annotations

from pathlib import Path

from studykit.figures.guide import PLATES

DOCS = Path(__file__).resolve().parents[1] / "docs"


def main() -> None:
    """Write the pictures."""
    for name, made in PLATES.items():
        plate = made()
        (DOCS / f"{name}.png").write_bytes(plate.png())
        print(f"![{plate.words}](docs/{name}.png)\n")


if __name__ == "__main__":
    main()
