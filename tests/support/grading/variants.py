"""The hostile table as a whole: the rows that are written out, and variants of their kinds.

A variant states what must come of it by its kind: what is refused stops its cell or its call, what
is right stays right, and what ends its process has crashed.
"""

from __future__ import annotations

from typing import Final

from tests.support.grading import hostile
from tests.support.grading.hostile import Case, code

_HEAD: Final = "def right(s): return s * 1000 if s < 10**11 else s if s < 10**14 else s // 1000\n"


def _returns(name: str, verdict: str, value: str, first: str = "") -> Case:
    source = f"{first}\n{_HEAD}def to_ms(stamp):\n    return {value}\n"
    return code(f"returns-{name}", "forged types", verdict, source)


def _before(name: str, category: str, verdict: str, *lines: str) -> Case:
    """Return a case that does something in its cell, before a right answer."""
    return code(name, category, verdict, "\n".join([*lines, "RIGHT"]))


def _within(name: str, category: str, verdict: str, *lines: str) -> Case:
    """Return a case that does something in its function, before a right result."""
    body = "\n".join(f"    {line}" for line in lines)
    source = f"{_HEAD}def to_ms(stamp):\n{body}\n    return right(stamp)\n"
    return code(name, category, verdict, source)


WRONG_TYPES: Final = {
    "a-float": "float(right(stamp))",
    "a-text": "str(right(stamp))",
    "a-list": "[right(stamp)]",
    "a-tuple": "(right(stamp),)",
    "a-dict": "{'ms': right(stamp)}",
    "nothing": "None",
    "an-empty-text": "''",
    "a-set": "{right(stamp)}",
    "bytes": "b'1'",
    "a-complex-number": "complex(right(stamp))",
    "a-generator": "(n for n in [right(stamp)])",
    "itself": "to_ms",
    "a-class": "int",
    "a-module": "__import__('sys')",
    "a-fraction": "__import__('fractions').Fraction(right(stamp))",
    "a-decimal": "__import__('decimal').Decimal(right(stamp))",
    "minus-infinity": "float('-inf')",
    "keys-that-are-no-texts": "{1: right(stamp)}",
    "an-object-with-no-repr": "type('R', (), {'__repr__': lambda s: 1 / 0})()",
    "a-list-of-itself": "(lambda x: (x.append(x), x)[1])([])",
}
SAME_NUMBERS: Final = {
    "a-number-of-its-own-class": "type('I', (int,), {})(right(stamp))",
    "a-number-by-another-name": "__import__('enum').IntEnum('E', {'A': right(stamp)}).A",
}
"""As JSON they are the numbers that they are."""

ENDS_OF_A_CALL: Final = {
    "by-kill": "import os; os.kill(os.getpid(), 9)",
    "by-term": "import os; os.kill(os.getpid(), 15)",
    "by-segment": "import os; os.kill(os.getpid(), 11)",
    "by-illegal": "import os; os.kill(os.getpid(), 4)",
    "by-abort": "import os; os.abort()",
    "by-interrupt": "raise KeyboardInterrupt",
    "by-generator-exit": "raise GeneratorExit",
    "by-another-program": "import os; os.execv('/bin/true', ['true'])",
    "by-fault-handler": "import faulthandler; faulthandler._sigsegv()",
}
ENDS_OF_A_CELL: Final = {
    "by-abort": "import os; os.abort()",
    "by-another-program": "import os; os.execv('/bin/true', ['true'])",
    "by-status": "import os; os._exit(97 - 1)",
}
WAITS: Final = {
    "for-an-event": "import threading; threading.Event().wait()",
    "for-a-signal": "import signal; signal.pause()",
    "for-nothing": "import select; select.select([], [], [])",
    "for-a-lock": "import threading; l = threading.Lock(); l.acquire(); l.acquire()",
    "for-a-pipe": "import os; os.read(os.pipe()[0], 1)",
    "for-a-sum": "sum(iter(int, 1))",
    "for-a-pattern": "import re; re.match('(a|a)+$', 'a' * 60 + 'b')",
    "and-swallows-all": (
        "while True:\n        try: sum(iter(int, 1))\n        except BaseException: pass"
    ),
}
KEPT_OUT: Final = {
    "shadow": "/etc/shadow",
    "host-keys": "/root/.ssh/id_rsa",
    "first-process": "/proc/1/environ",
    "own-mounts": "/proc/self/mountinfo",
    "own-maps": "/proc/self/maps",
    "memory": "/proc/self/mem",
    "kernel": "/sys/kernel/notes",
    "answers": "/course/studykit/exercises/lab01_clocks/e2_to_ms.py",
    "secret": "/course/studykit/grading/secret.py",
    "docker": "/var/run/docker.sock",
    "terminals": "/dev/ptmx",
    "disks": "/dev/vda",
}
NO_MODULES: Final = (
    "studykit.course.layout",
    "studykit.cli.app",
    "studykit.exercises.lab01_clocks",
    "studykit.grading.cases",
    "studykit.grading.judging",
    "studykit.grading.run",
    "studykit.grading.sandbox.warden",
)
FAMILIES: Final = {
    "inet-stream": "2, 1",
    "inet-datagram": "2, 2",
    "inet6-stream": "10, 1",
    "raw": "2, 3",
    "packet": "17, 3",
    "netlink": "16, 3",
    "bluetooth": "31, 3",
    "crypto": "38, 5",
    "host": "40, 1",
}
SERVERS: Final = {
    "http": "import http.client as h; h.HTTPConnection('192.0.2.1').request('GET', '/')",
    "mail": "import smtplib; smtplib.SMTP('192.0.2.1', timeout=1)",
    "files": "import ftplib; ftplib.FTP('192.0.2.1', timeout=1)",
    "streams": "import asyncio; asyncio.run(asyncio.open_connection('192.0.2.1', 80))",
}
REFUSED: Final = {
    "writes-a-device": "open('/dev/x', 'w')",
    "writes-much-to-devices": "open('/dev/big', 'wb').write(b'x' * 300 * 2**20)",
    "removes-a-device": "import os; os.remove('/dev/null')",
    "renames-a-device": "import os; os.rename('/dev/null', '/dev/zero')",
    "makes-a-device": "import os; os.mknod('/tmp/x', 0o20666, os.makedev(1, 5))",
    "removes-the-course": "import shutil; shutil.rmtree('/course')",
    "lends-itself-rights": "import os; os.setuid(0); os.setgid(0); open('/etc/shadow')",
    "raises-its-limits": "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (9999, 9999))",
    "raises-its-memory": "import resource as r; r.setrlimit(r.RLIMIT_AS, (-1, -1))",
    "memory-in-shared-mappings": "import mmap; k = [mmap.mmap(-1, 10**8) for n in range(100)]",
    "memory-in-zeroes": "import mmap; mmap.mmap(open('/dev/zero', 'r+b').fileno(), 10**9)",
    "memory-in-sockets": "import socket; k = [socket.socketpair() for n in range(200)]",
    "memory-in-larger-sockets": "import socket; socket.socketpair()[0].setsockopt(1, 7, 2**22)",
    "memory-in-larger-pipes": "import fcntl, os; fcntl.fcntl(os.pipe()[1], 1031, 2**20)",
    "memory-in-a-shared-folder": "open('/dev/shm/x', 'wb').write(b'x' * 100 * 2**20)",
    "many-files": "for n in range(10**5): open(f'/tmp/{n}', 'w').close()",
    "many-folders": "import os\nfor n in range(10**5): os.mkdir(f'/dev/shm/{n}')",
    "many-links": "import os\nfor n in range(10**5): os.symlink('x', f'/tmp/{n}')",
    "exits-politely": "import sys; sys.exit(3)",
    "stops-with-an-error": "raise BaseException('enough')",
    "asks-a-person": "import getpass; getpass.getpass()",
}  # fmt: skip
"""What a cell cannot do: it stops there, before its answer."""
HARMLESS: Final = {
    "uses-devices": "open('/dev/null', 'w').write('x'); open('/dev/urandom', 'rb').read(4)",
    "finds-its-devices": (
        "import os\n"
        "assert sorted(os.listdir('/dev')) == ['full', 'null', 'random', 'shm', 'urandom']"
    ),
    "works-in-its-folders": (
        "import os; os.chdir('/tmp'); os.mkfifo('f'); os.symlink('f', 'l'); os.chmod('f', 0o600)"
    ),
    "uses-threads": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(2) as pool: list(pool.map(str, range(9)))"
    ),
    "uses-an-event-loop": "import asyncio\nasync def main(): return 1\nawait main()",
    "starts-a-program": "import subprocess; subprocess.run(['/bin/true'], check=True)",
    "talks-to-its-child": (
        "import os, socket\na, b = socket.socketpair()\n"
        "if os.fork() == 0: b.send(b'x'); os._exit(0)\nassert a.recv(1) == b'x'"
    ),
    "draws": "%matplotlib inline",
    "changes-its-page": "%config InlineBackend.figure_format = 'svg'",
    "measures-itself": "%time n = sum(range(10))",
    "captures": "%precision 3",
    "ignores-alarms": "import signal; signal.signal(signal.SIGALRM, signal.SIG_IGN)",
    "forgets-its-paths": "import os, sys; sys.path.clear(); os.environ.clear()",
    "collects-no-garbage": "import gc; gc.disable(); gc.freeze()",
    "warns-by-errors": "import warnings; warnings.simplefilter('error')",
    "traces-itself": "import sys; sys.settrace(lambda *a: None); sys.setprofile(lambda *a: None)",
    "says-goodbye": "import atexit, os; atexit.register(os._exit, 5)",
    "shows-a-false-answer": (
        "from IPython.display import publish_display_data\n"
        "publish_display_data({'application/json': {'nonce': 1, 'outcomes': [[{'value': 1}]]}})"
    ),
    "prints-a-false-answer": "print('{\"nonce\": 1, \"outcomes\": [[{\"value\": 1}]]}')",
    "removes-its-folder": "import shutil; shutil.rmtree('/tmp', ignore_errors=True)",
}  # fmt: skip
"""What a cell can do without harm to its answer."""

VARIANTS: Final = [
    *(_returns(name, "fail", value) for name, value in WRONG_TYPES.items()),
    *(_returns(name, "pass", value) for name, value in SAME_NUMBERS.items()),
    *(
        _within(f"ends-its-call-{name}", "process death", "crashed", line)
        for name, line in ENDS_OF_A_CALL.items()
    ),
    *(
        _before(f"ends-its-cell-{name}", "process death", "crashed", line)
        for name, line in ENDS_OF_A_CELL.items()
    ),
    *(_within(f"waits-{name}", "hang", "timeout", line) for name, line in WAITS.items()),
    *(
        _before(f"opens-{name}", "reading", "fail", f"open({path!r}, 'rb').read(1)")
        for name, path in KEPT_OUT.items()
    ),
    *(_before(f"imports-{name}", "reading", "fail", f"import {name}") for name in NO_MODULES),
    *(
        _before(f"opens-{name}", "network", "fail", f"import socket; socket.socket({kind})")
        for name, kind in FAMILIES.items()
    ),
    *(_within(f"calls-{name}", "network", "fail", line) for name, line in SERVERS.items()),
    *(_before(name, "resources", "fail", line) for name, line in REFUSED.items()),
    *(_before(name, "harmless", "pass", line) for name, line in HARMLESS.items()),
    _before("maps-more-than-there-is", "resources", "crashed",
            "import mmap\nf = open('/dev/shm/x', 'w+b')\nf.truncate(10**9)",
            "m = mmap.mmap(f.fileno(), 2 * 10**8)\nfor n in range(0, 10**8, 4096): m[n] = 1"),
    # no file is left to the process that would call the answer and read what it returns
    _before("memory-in-pipes", "resources", "protocol",
            "import os", "k = []", "while True: k.append(os.pipe())"),
    _within("memory-in-a-text", "resources", "mem", "x = 'x' * 10**10"),
    _within("memory-in-an-array", "resources", "mem", "import numpy; numpy.ones(10**10)"),
]  # fmt: skip

CASES: Final = [*hostile.CASES, *VARIANTS]
