"""The class-data archive: when a job's Java is given it, and what stands on the class path then."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flink_jobs.runtime.archive import Archive
from flink_jobs.runtime.java import find_java


@pytest.fixture
def package(tmp_path) -> Path:
    lib = tmp_path / "pyflink" / "lib"
    lib.mkdir(parents=True)
    for name in ("flink-dist-2.jar", "flink-table-planner-loader-2.jar"):
        (lib / name).write_bytes(b"jar")
    return tmp_path / "pyflink"


@pytest.fixture
def archive(tmp_path, package) -> Archive:
    """An archive as `make` leaves it, but for its content, which only Java could make."""
    made = Archive(tmp_path / "archive", package)
    made._lib.mkdir(parents=True)
    made._file.write_bytes(b"classes")
    made._note.write_text(made._state({}))
    return made


def served(archive: Archive, **environ: str) -> dict[str, str]:
    """Return what the archive has added to an environment, or changed in it."""
    before = {"JVM_ARGS": "-Xmx1g", **environ}
    after = dict(before)
    archive.serve(after)
    return {name: value for name, value in after.items() if before.get(name) != value}


def test_java_is_given_the_archive_and_the_jars_that_it_was_made_of(archive, package):
    assert served(archive) == {
        "JVM_ARGS": f"-Xmx1g -XX:SharedArchiveFile={archive._file} -Xlog:cds=off",
        "FLINK_HOME": str(package),
        "FLINK_LIB_DIR": str(archive._lib),
        "FLINK_OPT_DIR": str(package / "opt"),
    }


def test_jars_of_another_home_come_after_those_of_the_archive(archive, package, tmp_path):
    home = tmp_path / "home"
    (home / "lib").mkdir(parents=True)
    (home / "lib" / "flink-dist-2.jar").symlink_to(package / "lib" / "flink-dist-2.jar")
    (home / "lib" / "kafka.jar").write_bytes(b"jar")
    found = served(
        archive,
        FLINK_HOME=str(home),
        FLINK_LIB_DIR=str(home / "lib"),
        HADOOP_CLASSPATH="/theirs.jar",
    )
    assert found["HADOOP_CLASSPATH"] == f"{home}/lib/kafka.jar{os.pathsep}/theirs.jar"
    assert "FLINK_HOME" not in found


def test_a_second_job_of_the_process_changes_nothing(archive):
    environ = {"JVM_ARGS": "-Xmx1g"}
    archive.serve(environ)
    assert served(archive, **environ) == {}


def test_whoever_says_what_to_share_is_heeded(archive):
    assert served(archive, JVM_ARGS="-Xshare:off") == {}


def test_without_an_archive_nothing_changes(tmp_path, package):
    assert served(Archive(tmp_path / "none", package)) == {}


def test_an_archive_of_other_jars_is_left_alone(archive, package):
    (package / "lib" / "flink-dist-2.jar").write_bytes(b"another jar")
    assert served(archive) == {}


def test_an_archive_of_another_java_is_left_alone(archive, tmp_path):
    other = tmp_path / "java"
    (other / "bin").mkdir(parents=True)
    (other / "bin" / "java").symlink_to(find_java({}).command)
    (other / "release").write_text('JAVA_VERSION="17.0.1"')
    assert served(archive, JAVA_HOME=str(other)) == {}


def test_an_environment_without_pyflink_has_no_archive(monkeypatch):
    monkeypatch.setattr("flink_jobs.runtime.archive.find_spec", lambda _: None)
    assert Archive.of_environment() is None
