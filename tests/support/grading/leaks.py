"""Answers that try to tell their author which cases they were given, each by another channel.

Each is right for whatever the check in the notebook asks, which everybody can know.
"""

from __future__ import annotations

from typing import Final

from studykit.checks.judging import cases_of
from tests.support.grading.submissions import LAB

TO_MS: Final = LAB.exercises[1]
KNOWN: Final = [args[0] for args in cases_of(TO_MS)]
_HEAD: Final = f"""
KNOWN = {KNOWN!r}
def right(s): return s * 1000 if s < 10**11 else s if s < 10**14 else s // 1000
"""
_FOUND: Final = """
def found(stamp):
    import gc, sys
    seen = [stamp]
    frame = sys._getframe()
    while frame:
        seen += [v for v in frame.f_locals.values() if type(v) in (list, tuple, dict, bytes, str)]
        frame = frame.f_back
    seen += [o for o in gc.get_objects() if type(o) in (list, tuple, dict)]
    import re
    numbers = {int(n) for o in seen[:20_000] for n in re.findall(r'\\d{10,16}', repr(o)[:20_000])}
    return sorted(numbers - set(KNOWN))[:60]
"""


def _on_hidden(*lines: str) -> str:
    body = "\n".join(f"    {line}" for line in lines)
    return f"{_HEAD}def to_ms(stamp):\n    if stamp in KNOWN: return right(stamp)\n{body}\n"


CHANNELS: Final = {
    "by-value": _on_hidden("return f'leak {stamp}'"),
    "by-error": _on_hidden("raise ValueError(f'leak {stamp}')"),
    "by-error-class": _on_hidden("raise type(f'Leak{stamp}', (Exception,), {})('x')"),
    "by-hole": _on_hidden(
        "from studykit.checks.lab import NotDone", "raise NotDone(f'L01.3 leak_{stamp}: x')"
    ),
    "by-print": _on_hidden("print('leak', stamp)", "return 0"),
    "by-stderr": _on_hidden("import sys", "sys.stderr.write(f'leak {stamp}')", "return 0"),
    "by-display": _on_hidden(
        "from IPython.display import display", "display(f'leak {stamp}')", "return 0"
    ),
    "by-handle": _on_hidden(
        "import os",
        "for n in range(64):",
        "    try: os.write(n, f'leak {stamp}'.encode())",
        "    except OSError: pass",
        "return 0",
    ),
    "by-type": _on_hidden("return type(f'Leak{stamp}', (), {})()"),
    "by-wrong-answer": _on_hidden("return stamp if stamp % 2 else round(stamp / 1000)"),
    "by-hanging": _on_hidden("while True: pass"),
    "by-exit": _on_hidden("import os", "os._exit(stamp % 256)"),
    "by-memory": _on_hidden("return [0] * 10**10"),
    "by-flood": _on_hidden("while True: print('x' * 1000)"),
    "by-chance": _on_hidden("import random", "return random.random()"),
    "by-odd-reply": _on_hidden("return '\\ud800'"),
    # what a public case could find of a hidden one: in frames and objects, in files, later on
    "from-frames-by-value": f"{_HEAD}{_FOUND}def to_ms(stamp): return found(stamp) or right(stamp)",
    "from-frames-by-error": (
        f"{_HEAD}{_FOUND}def to_ms(stamp):\n"
        "    if found(stamp): raise ValueError(found(stamp))\n    return right(stamp)"
    ),
    "from-files": (
        f"{_HEAD}def to_ms(stamp):\n    import glob\n"
        "    open(f'/tmp/{stamp}', 'w')\n"
        "    new = [p for p in glob.glob('/tmp/*') if int(p[5:]) not in KNOWN]\n"
        "    return f'leak {new}' if new and stamp in KNOWN else right(stamp)"
    ),
    "from-a-thread": (
        f"{_HEAD}{_FOUND}import threading, time\nkept = []\n"
        "def watch():\n    while len(kept) < 40: kept.extend(found(0)[1:]); time.sleep(0.02)\n"
        "threading.Thread(target=watch, daemon=True).start()\n"
        "def to_ms(stamp): return f'leak {kept}' if kept and stamp in KNOWN else right(stamp)"
    ),
    "from-a-patched-runner": (
        f"{_HEAD}import studykit.grading.box.runner as runner\nkept, old = [], runner.outcomes\n"
        "def outcomes(namespace, request):\n    kept.append(request)\n"
        "    return old(namespace, request)\n"
        "runner.outcomes = outcomes\n"
        "def to_ms(stamp):\n"
        "    asked = {a[0] for r in kept for a in r['cases'] if a} - set(KNOWN)\n"
        "    return f'leak {asked}' if len(kept) > 1 and asked else right(stamp)"
    ),
}  # fmt: skip
"""By name, the source of an answer cell."""
