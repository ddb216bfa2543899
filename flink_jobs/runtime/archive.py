"""The class-data archive: Flink's classes as Java keeps them, so that a start need not read them.

    python -m flink_jobs.runtime.archive

makes the archive of this Python environment, once: 160 MB in `.venv/flink-archive`, and half a
minute of processor time. Delete the folder, and Java reads its classes as before. The archive holds
what Java has loaded when a job of two events has run. Java maps an archive only with the jars it
was made of, in their order, so the folder has links to them.

Of a class that a loader of Flink's own has loaded, Java keeps little. So Flink's planner, which
comes as a jar within a jar for a loader of its own, is unpacked here and stands on the class path:
Flink's documentation describes that exchange.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from zipfile import ZipFile

from flink_jobs.runtime.java import QUICK, find_java, prepare_flink

_LOADER: Final = "flink-table-planner-loader"
_PLANNER: Final = "flink-table-planner"
_PAYMENT: Final = (
    r'{"topic":"transactions","partition":0,"offset":0,"timestamp":1700000000000,"key":"c","value":'
    r'"{\"event_id\":\"e\",\"card_id\":\"c\",\"merchant_id\":\"m\",\"amount_cents\":1,'
    r'\"country\":\"DE\",\"lat\":1.5,\"lon\":1.5,\"event_time\":1700000000000}"}'
)
_TOMBSTONE: Final = '{"topic":"clickstream","partition":0,"offset":0,"timestamp":1700000000000}'


@dataclass(frozen=True, slots=True)
class Archive:
    """The archive in `folder` of the jars in `package`, the folder of the package pyflink."""

    folder: Path
    package: Path

    @classmethod
    def of_environment(cls) -> Archive | None:
        """Return the archive of this Python environment, made or not; None without PyFlink."""
        found = find_spec("pyflink")
        places = list((found and found.submodule_search_locations) or [])
        return cls(Path(sys.prefix, "flink-archive"), Path(places[0])) if places else None

    def serve(self, environ: MutableMapping[str, str]) -> None:
        """Let the Java that PyFlink starts with `environ` use the archive, if it is made and fits.

        Jars that `FLINK_LIB_DIR` has beside the package's own, such as Kafka's, come last. Whoever
        says in `JVM_ARGS` what to share (`-Xshare:off`, another archive) is heeded.
        """
        arguments = environ["JVM_ARGS"]
        if "-Xshare" in arguments or "SharedArchiveFile" in arguments or not self.fits(environ):
            return
        own = {jar.name for jar in self._jars()}
        home = environ.get("FLINK_HOME")
        lib = Path(environ.get("FLINK_LIB_DIR") or Path(home or self.package, "lib"))
        more = sorted(str(jar) for jar in lib.glob("*.jar") if jar.name not in own)
        if lib != self._lib and more:
            known = environ.get("HADOOP_CLASSPATH")
            environ["HADOOP_CLASSPATH"] = os.pathsep.join([*more, *([known] if known else [])])
        environ.update(self._places(home))
        environ["JVM_ARGS"] = f"{arguments} -XX:SharedArchiveFile={self._file} -Xlog:cds=off"

    def fits(self, environ: Mapping[str, str]) -> bool:
        """Return whether the archive is made, and of the jars and the Java that are here now."""
        try:
            made_for = self._note.read_text()
            return self._file.exists() and made_for == self._state(environ)
        except OSError:
            return False

    def make(self) -> None:
        """Make the archive: run a job, and have Java keep the classes that it needed.

        Raises:
            CalledProcessError: The job, or Java, has failed.
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lib.mkdir(parents=True)
        for jar in self._jars():
            if jar.name.startswith(_LOADER):
                planner = self._lib / jar.name.replace(_LOADER, _PLANNER)
                with ZipFile(jar) as loader, loader.open(f"{_PLANNER}.jar") as packed:
                    planner.write_bytes(packed.read())
            else:
                (self._lib / jar.name).symlink_to(jar)
        environ = {**os.environ, **self._places(None), "JVM_ARGS": " ".join(["-Xmx1g", *QUICK])}
        prepare_flink(environ)
        with tempfile.TemporaryDirectory() as scratch:
            classes = self._classes(Path(scratch), environ)
            making = self._file.with_suffix(".new")
            subprocess.run(
                [*self._java(environ), "-Xshare:dump", f"-XX:SharedClassListFile={classes}",
                 f"-XX:SharedArchiveFile={making}", *self._class_path(environ)],
                check=True, capture_output=True,
            )  # fmt: skip
        self._note.write_text(self._state(environ))
        making.rename(self._file)

    @property
    def _lib(self) -> Path:
        return self.folder / "lib"

    @property
    def _file(self) -> Path:
        return self.folder / "classes.jsa"

    @property
    def _note(self) -> Path:
        return self.folder / "made-for"

    def _jars(self) -> Iterator[Path]:
        yield from sorted((self.package / "lib").glob("*.jar"))

    def _places(self, home: str | None) -> dict[str, str]:
        # PyFlink sets FLINK_LIB_DIR itself where FLINK_HOME is not set.
        return {
            "FLINK_HOME": home or str(self.package),
            "FLINK_LIB_DIR": str(self._lib),
            "FLINK_OPT_DIR": str(self.package / "opt"),
        }

    def _state(self, environ: Mapping[str, str]) -> str:
        """Return what the archive depends on: the Java, and the jars with their sizes."""
        java = find_java(environ)
        jars = (f"{jar} {jar.stat().st_size} {jar.stat().st_mtime_ns}" for jar in self._jars())
        return "\n".join([f"{java.home} {(java.home / 'release').stat().st_mtime_ns}", *jars])

    def _classes(self, scratch: Path, environ: Mapping[str, str]) -> Path:
        """Return a list of the classes that a small job has loaded, in Java's own form."""
        log, raw, classes = scratch / "log.jsonl", scratch / "raw", scratch / "classes"
        log.write_text(f"{_PAYMENT}\n{_TOMBSTONE}\n")
        listing = f"{environ['JVM_ARGS']} -Xshare:off -XX:DumpLoadedClassList={raw}"
        replay = ["--replay", str(log), "--out", str(scratch / "out")]
        subprocess.run(
            [sys.executable, "-m", "flink_jobs.feature_job", *replay],
            env={**environ, "JVM_ARGS": listing}, check=True, capture_output=True,
        )  # fmt: skip
        # Java cannot keep what another loader has loaded (`source:`), nor a proxy.
        lines = raw.read_text().splitlines(keepends=True)
        classes.write_text(
            "".join(line for line in lines if "source:" not in line and "/$Proxy" not in line)
        )
        return classes

    def _java(self, environ: Mapping[str, str]) -> list[str]:
        return [str(find_java(environ).command), *environ["JVM_ARGS"].split()]

    def _class_path(self, environ: Mapping[str, str]) -> list[str]:
        from pyflink import pyflink_gateway_server as pyflink  # noqa: PLC0415 - slow to load

        named = dict(environ)
        pyflink.prepare_environment_variables(named)
        jars = [pyflink.construct_flink_classpath(named), pyflink.construct_hadoop_classpath(named)]
        return [*filter(None, pyflink.get_jvm_opts(named)), "-cp", os.pathsep.join(jars)]


def archived(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether this Python environment has an archive that fits its jars and its Java."""
    archive = Archive.of_environment()
    return archive is not None and archive.fits(environ)


def main() -> int:
    """Make the archive of this environment; return the exit status: a start needs no archive."""
    archive = Archive.of_environment()
    try:
        if archive is not None:
            archive.make()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"no class-data archive, so Flink starts more slowly: {error}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
