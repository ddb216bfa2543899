"""Submissions that attack the grader, or are broken, each with what must come of it.

An attack on the second exercise leaves the other four right; so their verdicts show whether it
reached anything beyond itself.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from studykit.grading.example.maker import answer_cell, as_bytes
from studykit.grading.notebook.code import read_code
from tests.support.grading.submissions import all_pass, solved, untouched

RIGHT = """
def to_ms(stamp):
    return stamp * 1000 if stamp < 10**11 else stamp if stamp < 10**14 else stamp // 1000
"""
Make = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """A submission: how its folder is made, and what must come of it."""

    name: str
    category: str
    make: Make
    status: str = "graded"
    verdicts: dict[str, str] = field(default_factory=all_pass)
    flags: frozenset[str] = frozenset()
    only: bool = True
    """Whether no other flags may be there."""
    runs: bool = False
    """Whether it is what an answer does that makes it hostile."""


def code(name: str, category: str, verdict: str, source: str, **more: object) -> Case:
    """Return a case that answers the second exercise with `source`; `RIGHT` is added to it."""
    text = source.replace("RIGHT", RIGHT)
    data = as_bytes(solved({"to_ms": text}))
    said = read_code(text)
    doubtful = "to_ms" not in said.bound or said.commands
    flags = frozenset(["review"] if doubtful else [])
    given = {"verdicts": all_pass(e2=verdict), "flags": flags}
    return Case(name, category, _file("lab.ipynb", data), runs=True, **(given | more))


def raw(name: str, category: str, data: bytes, status: str = "unreadable") -> Case:
    """Return a case that hands in bytes."""
    return Case(name, category, _file("lab.ipynb", data), status, {}, frozenset({"review"}))


def _file(name: str, data: bytes) -> Make:
    def make(folder: Path) -> None:
        (folder / name).write_bytes(data)

    return make


def _calls(*lines: str) -> str:
    body = "\n".join(f"    {line}" for line in lines)
    return f"def to_ms(stamp):\n{body}\n"


FORGED = [
    code("equal-to-all", "forged types", "fail", _calls(
        "class Any(int):",
        "    __eq__ = lambda self, other: True",
        "    __hash__ = int.__hash__",
        "return Any(7)",
    )),
    code("int-subclass", "forged types", "fail", _calls(
        "class Sly(dict):", "    __eq__ = lambda self, other: True", "return Sly()"
    )),
    code("bool-for-int", "forged types", "fail", _calls("return True")),
    code("not-a-number", "forged types", "fail", _calls("return float('nan')")),
    code("infinity", "forged types", "fail", _calls("return 1e999")),
    code("lone-surrogate", "forged types", "protocol", _calls("return '\\ud800'")),
    code("endless-list", "forged types", "fail", _calls("x = []", "x.append(x)", "return x")),
    code("deep-list", "forged types", "protocol", _calls(
        "x = []", "for _ in range(200): x = [x]", "return x"
    )),
    code("huge-int", "forged types", "fail", _calls("return 10**5000")),
]  # fmt: skip

PATCHED = [
    code("patched-runner", "patched checker", "fail",
         "import studykit.checks.running as r\n"
         "r.run_cases = lambda f, cases, s=0: [{'value': 1}] * len(cases)\n"
         "import studykit.grading.box.runner as b\nb.run_cases = r.run_cases\n"
         + _calls("return 1"), verdicts=dict.fromkeys(all_pass(), "fail")),
    code("patched-json", "patched checker", "protocol",
         "import json\njson.dumps = lambda *a, **k: 'pass'\n" + _calls("return 1"), only=False),
    code("patched-exit-hook", "patched checker", "pass",
         "import atexit, os, sys\natexit.register(os._exit, 0)\n"
         "sys.excepthook = sys.displayhook = print\nRIGHT"),
    code("patched-judge", "patched checker", "fail",
         "import studykit.checks.judging as j\nj.judge = lambda *a: 'passed'\n"
         "import studykit.exercises.definition as e\n"
         "e.same = lambda *a: True\n" + _calls("return 1")),
    code("says-not-attempted-is-fine", "patched checker", "fail",
         "import studykit.checks.lab as l\nl.NotDone.__str__ = lambda s: 'passed'\n"
         "def to_ms(s): raise l.NotDone('passed')"),
]  # fmt: skip

READING = [
    code("imports-the-answer", "reading", "fail",
         "from studykit.exercises.lab01_clocks.e2_to_ms import reference as to_ms"),
    code("reads-the-solutions", "reading", "fail", _calls(
        "import glob",
        "found = [p for r in ('/work', '/home', '/root', '/course', '/mnt')"
        " for p in glob.glob(r + '/**/solutions/**/*.py', recursive=True)]",
        "return len(found) and eval(open(found[0]).read())",
    )),
    code("reads-the-environment", "reading", "fail", _calls(
        "import os", "return sum('SECRET' in k or 'GRADING' in k for k in os.environ)"
    )),
    code("reads-other-submissions", "reading", "fail", _calls(
        "from glob import glob", "return glob('/tmp/*/*.ipynb') + glob('../*/*.ipynb')"
    )),
    code("reads-proc", "reading", "fail", _calls(
        "import os", "return [p for p in os.listdir('/proc')]"
    )),
    code("searches-its-stack", "reading", "fail", _calls(
        "import sys",
        "f = sys._getframe()",
        "while f:",
        "    if 'expected' in f.f_locals: return f.f_locals['expected']",
        "    f = f.f_back",
    )),
    code("searches-all-objects", "reading", "fail", _calls(
        "import gc",
        "for o in gc.get_objects():",
        "    if type(o).__name__ == 'Exercise': return o.reference(stamp)",
    )),
]  # fmt: skip

DEATH = [
    code("exits-in-a-cell", "process death", "crashed", "import os\nos._exit(0)"),
    code("exits-in-a-call", "process death", "crashed", _calls("import os", "os._exit(0)")),
    code("system-exit", "process death", "fail", _calls("raise SystemExit")),
    code("segfault-in-a-cell", "process death", "crashed",
         "import ctypes\nctypes.string_at(0)"),
    code("segfault-in-a-call", "process death", "crashed", _calls(
        "import ctypes", "ctypes.string_at(0)"
    )),
    code("kills-everything", "process death", "crashed", _calls(
        "import os, signal",
        "try: os.kill(-1, signal.SIGKILL)",
        "finally: os.kill(os.getpid(), signal.SIGKILL)",
    )),
    code("endless-recursion", "process death", "fail", _calls("return to_ms(stamp)")),
    code("closes-all-files", "process death", "crashed",
         "import os\nos.closerange(3, 256)\n" + RIGHT),
]  # fmt: skip

HANGS = [
    code("endless-loop-in-a-cell", "hang", "timeout", "while True: pass"),
    code("endless-loop-in-a-call", "hang", "timeout", _calls("while True: pass")),
    code("ignores-interrupts", "hang", "timeout", _calls(
        "import signal",
        "while True:",
        "    try: signal.setitimer(signal.ITIMER_REAL, 0)",
        "    except BaseException: pass",
    )),
    code("sleeps", "hang", "timeout", _calls("import time", "time.sleep(10**6)")),
    code("stuck-in-c", "hang", "timeout", _calls("return 7 ** (10 ** 10)")),
    code("waits-for-input", "hang", "fail", _calls("return int(input())")),
    code("stops-itself", "hang", "timeout", "import os, signal\nos.kill(0, signal.SIGSTOP)\n"
         "import time\ntime.sleep(100)"),
    code("leaves-a-thread", "hang", "pass",
         "import threading, time\n"
         "threading.Thread(target=time.sleep, args=(10**6,)).start()\nRIGHT"),
]  # fmt: skip

GREED = [
    code("memory-in-a-call", "resources", "mem", _calls("return [0] * 10**10")),
    code("memory-in-a-cell", "resources", "mem", "x = bytearray(10**10)\n" + RIGHT),
    code("memory-by-children", "resources", "mem",
         "import os\nfor _ in range(3):\n    if not os.fork(): break\n"
         "x = []\nwhile True: x.append(bytearray(b'x' * 10**6))"),
    code("memory-below-the-limit", "resources", "pass",
         "import time\nx = bytearray(400 * 2**20)\nRIGHT\nright, waited = to_ms, []\n"
         + _calls("waited or waited.append(time.sleep(0.2))", "return right(stamp)")),
    code("memory-in-unnamed-files", "resources", "fail",
         "import os\nkept = []\nwhile True:\n    kept.append(os.memfd_create('x'))\n"
         "    os.write(kept[-1], b'x' * 10**8)"),
    code("memory-in-segments", "resources", "fail", _calls(
        "import ctypes", "libc = ctypes.CDLL(None, use_errno=True)",
        "while libc.shmget(0, 10**9, 0o600) >= 0: pass", "raise OSError(ctypes.get_errno())",
    )),
    code("answers-twice", "protocol", "pass", "import os\nos.fork()\nRIGHT"),
    code("stops-its-group", "process death", "crashed",
         "import os, signal\nos.kill(0, signal.SIGKILL)\nos._exit(1)"),
    code("fork-bomb", "resources", "timeout",
         "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"),
    code("thread-bomb", "resources", "fail",
         "import threading, time\n"
         "while True: threading.Thread(target=time.sleep, args=(99,)).start()"),
    code("fills-the-disk", "resources", "fail",
         "with open('/tmp/x', 'wb') as f:\n    while True: f.write(b'x' * 10**6)\nRIGHT"),
    code("prints-without-end", "resources", "output", "while True: print('x' * 1000)"),
    code("prints-in-a-call", "resources", "output", _calls("while True: print('x' * 1000)")),
    code("floods-stderr", "resources", "output",
         "import sys\nwhile True: sys.stderr.write('x' * 1000)"),
    code("displays-without-end", "resources", "output",
         "from IPython.display import display\nwhile True: display('x' * 1000)"),
    code("displays-and-clears", "resources", "pass",
         "from IPython.display import clear_output, display\ndisplay('x')\nclear_output()\nRIGHT"),
    code("writes-past-python", "resources", "timeout",
         "import os\nwhile True: os.write(1, b'x' * 1000)"),
    code("huge-answer", "resources", "protocol", _calls("return 'x' * 2 * 10**6")),
    code("many-small-values", "resources", "protocol", _calls("return [0] * 30_000")),
]  # fmt: skip

PERSISTENT = [
    code("leaves-a-file", "persistence", "pass",
         "open('/tmp/evil.py', 'w').write('x')\nopen('sitecustomize.py', 'w').write('x')\nRIGHT"),
    code("finds-a-file", "persistence", "pass",
         "import os\nassert not os.path.exists('/tmp/evil.py'), 'left over'\n"
         "assert os.listdir('.') == [], 'left over'\nRIGHT"),
    code("leaves-a-daemon", "persistence", "pass",
         "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork(): os._exit(0)\n"
         "    time.sleep(10**6)\nRIGHT"),
    code("leaves-shared-memory", "persistence", "pass",
         "import ctypes\nctypes.CDLL(None).shmget(4711, 4096, 0o1666)\nRIGHT"),
    code("changes-python", "persistence", "fail",
         "import sys\nopen(sys.prefix + '/lib/evil.pth', 'w').write('import os')"),
    code("changes-the-course", "persistence", "fail",
         "import studykit.grading.box.runner as r\nopen(r.__file__, 'a').write('x')"),
]  # fmt: skip

NETWORK = [
    code("calls-home", "network", "fail", _calls(
        "import urllib.request", "return urllib.request.urlopen('http://192.0.2.1', None, 1)"
    )),
    code("resolves-a-name", "network", "fail", _calls(
        "import socket", "return len(socket.gethostbyname('example.org'))"
    )),
    code("sends-udp", "network", "fail", _calls(
        "import socket", "return socket.socket(2, 2).sendto(b'x', ('192.0.2.1', 53))"
    )),
    code("looks-for-local-servers", "network", "fail", _calls(
        "import socket",
        "for port in (22, 80, 6379, 8888, 9092):",
        "    socket.create_connection(('127.0.0.1', port), 0.2)",
        "return 1",
    )),
    code("installs", "network", "fail", "%pip install left-pad\nimport left_pad"),
    code("shell", "network", "fail", "!curl http://192.0.2.1\nx = y"),
]  # fmt: skip

PROTOCOL = [
    code("early-reply", "protocol", "protocol",
         "import os\nfor n in range(3, 64):\n"
         "    try: os.write(n, b'{\"nonce\": 1, \"outcomes\": [{\"value\": 1}]}\\n')\n"
         "    except OSError: pass\n" + RIGHT, only=False),
    code("floods-the-wire", "protocol", "protocol",
         "import os\nfor n in range(3, 64):\n"
         "    try:\n        for _ in range(40): os.write(n, b'x' * 65536)\n"
         "    except OSError: pass\n" + RIGHT, only=False),
    code("endless-number", "protocol", "protocol",
         "import json\njson.dumps = lambda *a, **k: '1' * 10**6\n" + _calls("return 1"),
         only=False),
    code("pickles", "protocol", "fail", _calls(
        "import pickle", "return pickle.dumps({'outcomes': 'pass'})"
    )),
]  # fmt: skip


def _tampered(change: Callable[[dict], None], **more: object) -> Make:
    notebook = solved()
    change(notebook)
    return _file("lab.ipynb", as_bytes(notebook))


def _points(notebook: dict) -> None:
    for cell in notebook["cells"]:
        cell["metadata"] = {"nbgrader": {"points": 1000, "grade": True}, "tags": ["check"]}


def _kernelspec(notebook: dict) -> None:
    notebook["metadata"]["kernelspec"] = {"name": "bash", "language": "bash", "argv": ["rm"]}


def _edited_check(notebook: dict) -> None:
    cell = next(cell for cell in notebook["cells"] if 'lab.check("L01.2")' in cell["source"])
    cell["source"] = "print('L01.2 done.')"


def _evil_setup(notebook: dict) -> None:
    cell = next(cell for cell in notebook["cells"] if "setup" in cell["metadata"].get("tags", ()))
    cell["source"] = "import os; os._exit(1)"


def _deleted_checks(notebook: dict) -> None:
    notebook["cells"] = [cell for cell in notebook["cells"] if "lab.check" not in cell["source"]]


def _doubled(notebook: dict) -> None:
    cell = answer_cell(notebook, "to_ms")
    notebook["cells"].append({**cell, "source": "def to_ms(stamp): return 1"})


def _own_points(notebook: dict) -> None:
    notebook["cells"].append(
        {"cell_type": "code", "id": "evil", "metadata": {"tags": ["exercise"]}, "outputs": [],
         "execution_count": None, "source": "import os; os._exit(0)"}
    )  # fmt: skip


def _other_lab(notebook: dict) -> None:
    notebook["metadata"]["course"]["source"] = "solutions/src/../../etc/passwd"
    for cell in notebook["cells"]:
        cell["id"], cell["source"] = "x", "1"


TAMPERED = [
    Case("points-in-metadata", "metadata", _tampered(_points)),
    Case("foreign-kernel", "metadata", _tampered(_kernelspec)),
    Case("edited-check", "metadata", _tampered(_edited_check), flags=frozenset({"restored"})),
    Case("evil-setup", "metadata", _tampered(_evil_setup),
         flags=frozenset({"restored", "review"})),
    Case("deleted-checks", "metadata", _tampered(_deleted_checks), flags=frozenset({"restored"})),
    Case("second-answer", "metadata", _tampered(_doubled), verdicts=all_pass(e2="fail"),
         flags=frozenset({"review"})),
    Case("added-exercise", "metadata", _tampered(_own_points), flags=frozenset({"review"})),
    Case("path-for-a-lab", "metadata", _tampered(_other_lab), "unreadable", {},
         frozenset({"review"})),
]  # fmt: skip


def _with(*extra: tuple[str, str]) -> Make:
    def make(folder: Path) -> None:
        (folder / "lab.ipynb").write_bytes(as_bytes(solved()))
        for name, text in extra:
            (folder / name).write_text(text, "utf-8")

    return make


def _pickle() -> bytes:
    class Evil:
        def __reduce__(self) -> tuple:
            return os.system, ("touch /tmp/owned",)

    return pickle.dumps(Evil())


HIJACK = [
    Case("shadows-modules", "import hijack", _with(
        ("json.py", "raise SystemExit"), ("studykit.py", "raise SystemExit"),
        ("conftest.py", "raise SystemExit"), ("sitecustomize.py", "raise SystemExit"))),
    Case("own-tests", "import hijack", _with(
        ("lab01_clocks.py", "CASES = {}"), ("pytest.ini", "[pytest]"), ("overrides.csv", "x"))),
    code("writes-shadow-modules", "import hijack", "pass",
         "open('json.py', 'w').write('raise SystemExit')\nRIGHT"),
    Case("pickle-beside", "serialized", lambda folder: (
        _with()(folder), (folder / "result.pkl").write_bytes(_pickle()), None)[-1]),
    raw("pickle-for-a-notebook", "serialized", _pickle()),
]  # fmt: skip


def _linked(folder: Path) -> None:
    (folder / "lab.ipynb").symlink_to("/etc/passwd")


def _linked_folder(folder: Path) -> None:
    (folder / "all").symlink_to("/")
    _with()(folder)


def _fifo(folder: Path) -> None:
    os.mkfifo(folder / "lab.ipynb")


def _zip(*entries: tuple[str, bytes, int]) -> Make:
    def make(folder: Path) -> None:
        with zipfile.ZipFile(folder / "lab.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data, mode in entries:
                info = zipfile.ZipInfo(name)
                info.external_attr = mode << 16
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, data)

    return make


def _tar_with_link(folder: Path) -> None:
    with tarfile.open(folder / "lab.tar.gz", "w:gz") as archive:
        link = tarfile.TarInfo("lab.ipynb")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)


def _nested() -> bytes:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("lab.ipynb", as_bytes(solved()))
    return inner.getvalue()


def _rejected(name: str, make: Make) -> Case:
    return Case(name, "file system", make, "rejected", {}, frozenset({"review"}))


FILES = [
    _rejected("link-to-a-file", _linked),
    _rejected("link-to-a-folder", _linked_folder),
    _rejected("named-pipe", _fifo),
    _rejected("zip-that-escapes", _zip(("../../lab.ipynb", b"{}", 0o100644))),
    _rejected("zip-with-a-link", _zip(("lab.ipynb", b"/etc/passwd", 0o120777))),
    _rejected("zip-in-a-zip", _zip(("inner.zip", _nested(), 0o100644))),
    _rejected("zip-bomb", _zip(("lab.ipynb", b"\0" * 210 * 2**20, 0o100644))),
    _rejected("zip-of-many", _zip(*((f"{n}.ipynb", b"", 0o100644) for n in range(2_100)))),
    _rejected("tar-with-a-link", _tar_with_link),
    _rejected("torn-zip", _file("lab.zip", _nested()[:200])),
    Case("good-zip", "file system", _file("lab.zip", _nested())),
    Case("archive-of-junk", "file system", _zip(("a.txt", b"x", 0o100644)), "unreadable", {},
         frozenset({"review"})),
]  # fmt: skip


def _changed(change: Callable[[dict], object]) -> bytes:
    notebook = solved()
    change(notebook)
    return as_bytes(notebook)


TEXT = as_bytes(solved())
BROKEN = [
    raw("empty", "broken", b""),
    raw("torn", "broken", TEXT[: len(TEXT) // 2]),
    raw("a-list", "broken", b"[1, 2]"),
    raw("a-picture", "broken", b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
    raw("conflict-marks", "broken", b"{\n<<<<<<< HEAD\n" + TEXT[1:]),
    raw("lfs-pointer", "broken", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
    raw("too-deep", "broken", b"[" * 100_000 + b"]" * 100_000),
    raw("too-many-values", "broken", b"[" + b"[]," * 1_100_000 + b"[]]"),
    raw("too-large", "broken", b" " * (20 * 2**20) + TEXT),
    raw("source-is-a-number", "broken", _changed(lambda n: n["cells"][5].update(source=7))),
    raw("lone-surrogates", "broken", _changed(lambda n: n["cells"][5].update(source="\ud800"))),
    raw("cells-are-no-list", "broken", _changed(lambda n: n.update(cells={"a": 1}))),
    raw("from-the-future", "broken", _changed(lambda n: n.update(nbformat=5))),
    raw("million-digits", "broken", b'{"nbformat": ' + b"4" * 10**6 + b"}"),
    Case("utf-16", "broken", _file("lab.ipynb", TEXT.decode().encode("utf-16"))),
    Case("byte-order-mark", "broken", _file("lab.ipynb", b"\xef\xbb\xbf" + TEXT)),
    Case("dos-lines", "broken", _file("lab.ipynb", json.dumps(solved(), indent=1).replace(
        "\n", "\r\n").encode())),
    Case("no-notebook", "broken", _file("lab.py", b"print(1)"), "unreadable", {},
         frozenset({"review"})),
    Case("renamed", "broken", _file("final FINAL (2).IPYNB", TEXT)),
    Case("untouched", "broken", _file("lab.ipynb", as_bytes(untouched())),
         verdicts={f"L01.{n}": "fail" for n in range(1, 6)}),
    code("syntax-error", "broken", "fail", "def to_ms(stamp:\n    return"),
    code("name-error", "broken", "fail", "def to_ms(stamp):\n    return not_defined"),
    code("renamed-function", "broken", "fail", "def toms(stamp):\n    return 1",
         flags=frozenset({"review"})),
]  # fmt: skip

SCRIPT = "<script>alert(1)</script>"
INJECTION = [
    code("markup-in-a-value", "report", "fail", _calls(f"return {SCRIPT!r}")),
    code("markup-in-an-error", "report", "fail", _calls(f"raise ValueError({SCRIPT!r})")),
    code("terminal-codes", "report", "fail", _calls("raise ValueError('\\x1b[2J\\x07\\r\\n')")),
    code("long-error", "report", "fail", _calls("raise ValueError('x' * 10**4)")),
]

REBUILT = [
    code("installs-above-an-answer", "notebook", "pass", "!pip install x\n%pip install y\nRIGHT"),
    code("plots-above-an-answer", "notebook", "pass", "%matplotlib inline\n%autosave 60\nRIGHT"),
    code("patterns-without-end", "notebook", "fail", f"!x\n{' ' * 200_000}\n{'a=' * 90_000}"),
    code("nested-without-end", "notebook", "mem", "-" * 90_000 + "1"),
    Case("names-that-steer", "notebook", _zip(("\x1b[2J\u202e.ipynb", b"x", 0o120777)),
         "rejected", {}, frozenset({"review"})),
    Case("damaged-in-the-middle", "notebook", _file("lab.zip", _nested()[:3_000] + b"\xff" * 99
         + _nested()[3_099:]), "rejected", {}, frozenset({"review"})),
]  # fmt: skip
"""Notebooks and archives made to be hard to read."""

IDENTITIES = [
    "=1+1",
    "@SUM(A1)",
    "..%2f..%2fetc",
    "Ada",
    "ａｄａ",  # noqa: RUF001
    SCRIPT.replace("/", "∕"),  # noqa: RUF001
    "x" * 200,
    "\u202egnp.exe",
]
"""Folder names that are no names."""


def _identity(name: str, index: int) -> Case:
    twins = {"Ada", "ａｄａ"}  # noqa: RUF001
    flags = frozenset({"unsettled"}) if name in twins else frozenset()
    return Case(name, "identity", _file("lab.ipynb", TEXT), flags=flags)


NAMED = [_identity(name, index) for index, name in enumerate(IDENTITIES)]

CASES = [
    *FORGED, *PATCHED, *READING, *DEATH, *HANGS, *GREED, *PERSISTENT, *NETWORK, *PROTOCOL,
    *TAMPERED, *HIJACK, *FILES, *BROKEN, *INJECTION, *REBUILT, *NAMED,
]  # fmt: skip
