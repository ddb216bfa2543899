"""What JupyterLab's launcher is told about the page. Loaded at every start of JupyterLab."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

NAME = "services"
"""The page's address in JupyterLab: `/services/`."""


def entry() -> dict[str, Any]:
    """Return how jupyter-server-proxy starts the page, on the first click.

    The page listens on a socket that only its user can open, and is shown to whoever is logged in
    at JupyterLab.
    """
    return {
        "command": [sys.executable, "-m", "studykit.cli.launcher.page", "{unix_socket}"],
        "unix_socket": True,
        "timeout": 60,  # of a busy machine
        "new_browser_tab": True,
        "launcher_entry": {
            "title": "Services and lessons",
            "category": "Notebook",  # in others JupyterLab shows no icon
            "icon_path": str(Path(__file__).with_name("icon.svg")),
        },
    }
