"""A package index on the loopback interface that serves a few tiny packages, well or badly."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from tarfile import TarInfo
from tarfile import open as open_tar


def wheel(name: str, padding: int = 0) -> tuple[str, bytes]:
    """Return file name and bytes of version 1.0 of a package with one module, `padding` long."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": "#" * padding + "\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return f"{name}-1.0-py3-none-any.whl", buffer.getvalue()


def source(name: str) -> tuple[str, bytes]:
    """Return file name and bytes of version 1.0 of a package that a C compiler has to build."""
    backend = (
        "import subprocess, sys\n"
        "def build_wheel(folder, config=None, metadata=None):\n"
        "    subprocess.run(['cc', '--version'], check=True)\n"
        f"    name, content = {wheel(name)!r}\n"
        "    open(folder + '/' + name, 'wb').write(content)\n"
        "    return name\n"
    )
    files = {
        "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'backend'\n"
        f"backend-path = ['.']\n[project]\nname = '{name}'\nversion = '1.0'\n",
        "backend.py": backend,
        "PKG-INFO": f"Metadata-Version: 2.2\nName: {name}\nVersion: 1.0\n",
    }
    buffer = io.BytesIO()
    with open_tar(fileobj=buffer, mode="w:gz") as archive:
        for path, text in files.items():
            member = TarInfo(f"{name}-1.0/{path}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return f"{name}-1.0.tar.gz", buffer.getvalue()


def npm_package(name: str, padding: int = 0) -> tuple[str, bytes]:
    """Return file name and bytes of version 1.0.0 of an npm package, `padding` long."""
    about = json.dumps({"name": name, "version": "1.0.0"})
    # What does not repeat itself: half of what is compressed well would be nothing.
    text = "//" + "".join(Random(name).choices("0123456789abcdef", k=padding))
    buffer = io.BytesIO()
    with open_tar(fileobj=buffer, mode="w:gz") as archive:
        for path, content in (("package.json", about), ("index.js", text)):
            member = TarInfo(f"package/{path}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content.encode()))
    return f"{name}-1.0.0.tgz", buffer.getvalue()


@dataclass
class PackageIndex:
    """The files that an index has, by name, and its manner: whole, half, altered or refusing."""

    files: dict[str, bytes]
    manner: str = "whole"
    root: str = ""

    @property
    def address(self) -> str:
        """Where pip and uv look for packages."""
        return f"{self.root}/simple"

    @property
    def lock(self) -> str:
        """The requirements, with checksums, that exactly these files meet."""
        return "".join(
            f"{name.split('-')[0]}==1.0 --hash=sha256:{hashlib.sha256(content).hexdigest()}\n"
            for name, content in self.files.items()
        )


def about(index: PackageIndex, name: str) -> bytes:
    """Return what an npm registry says of a package."""
    file = f"{name}-1.0.0.tgz"
    digest = base64.b64encode(hashlib.sha512(index.files[file]).digest()).decode()
    dist = {"tarball": f"{index.root}/files/{file}", "integrity": f"sha512-{digest}"}
    version = {"name": name, "version": "1.0.0", "dist": dist}
    told = {"name": name, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
    return json.dumps(told).encode()


@contextmanager
def serving(*files: tuple[str, bytes]) -> Iterator[PackageIndex]:
    """Serve files as a package index until the block ends."""
    index = PackageIndex(dict(files))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/").split("/")[-1]
            if self.path.startswith("/simple/"):
                links = [file for file in index.files if file.startswith(f"{name}-")]
                page = "".join(f'<a href="/files/{file}">{file}</a>' for file in links)
                self.answer(200 if links else 404, page.encode(), "text/html")
            elif self.path.startswith("/npm/"):
                self.answer(200, about(index, name), "application/json")
            elif index.manner == "refusing":
                self.answer(403, b"", "text/plain")
            else:
                content = index.files[name] + (b" " if index.manner == "altered" else b"")
                self.answer(200, content, "application/octet-stream")

        do_HEAD = do_GET

        def answer(self, status: int, content: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            half = index.manner == "half" and kind == "application/octet-stream"
            if self.command == "GET":
                self.wfile.write(content[: len(content) // 2] if half else content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    index.root = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
