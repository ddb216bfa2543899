"""`python -m studykit.site`: build the static site of lessons and labs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from studykit.errors import StudyError
from studykit.site.pages import build


def main() -> None:
    """Build the site into the folder that the command line names, and say how large it is."""
    parser = argparse.ArgumentParser(prog="python -m studykit.site", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("site"), help="the folder of the site")
    out = parser.parse_args().out
    try:
        size = build(out)
    except StudyError as error:
        sys.exit(str(error))
    print(f"{out}: {size / 1e6:.0f} MB; to see it: python3 -m http.server --directory {out}")


main()
