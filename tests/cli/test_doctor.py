import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from flink_jobs.runtime import java
from flink_jobs.runtime.java import find_java
from studykit.cli.doctor import Level, examine, version_skew
from studykit.services.network.ports import free_port
from studykit.workspace import Workspace


def fake_java(home: Path, release: str, answer: str = "") -> Path:
    """Make a folder that looks like a Java runtime."""
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '{answer}' >&2\n")
    program.chmod(0o755)
    if release:
        (home / "release").write_text(f'JAVA_VERSION="{release}"\n')
    return home


@pytest.mark.parametrize(("release", "expected"), [("17.0.15", 17), ("21.0.8", 21), ("21", 21)])
def test_a_java_home_that_fits_is_used(tmp_path, release, expected):
    home = fake_java(tmp_path, release)
    found = find_java({"JAVA_HOME": str(home)})
    assert (found.home, found.version) == (home, expected)


@pytest.mark.parametrize("release", ["1.8.0_452", "11.0.2", "25.0.1", "170.1"])
def test_a_java_home_that_does_not_fit_gives_way_to_the_lab_s_own(tmp_path, release):
    home = fake_java(tmp_path, release)
    assert find_java({"JAVA_HOME": str(home)}).home != home


def test_a_java_without_a_release_file_is_asked(tmp_path):
    home = fake_java(tmp_path, "", 'openjdk version "17.0.15" 2025-04-15')
    assert find_java({"JAVA_HOME": str(home)}).version == 17


def test_a_java_that_may_not_be_executed_is_none(tmp_path):
    home = fake_java(tmp_path, "21.0.8")
    (home / "bin" / "java").chmod(0o644)
    assert find_java({"JAVA_HOME": str(home)}).home != home


def test_the_lab_s_own_java_runs():
    own = find_java({})
    subprocess.run([own.command, "-version"], capture_output=True, check=True)


def test_no_java_at_all_is_one_sentence(monkeypatch):
    monkeypatch.setattr(java, "find_spec", lambda _name: None)
    with pytest.raises(java.NoJava, match=r"^there is no Java 17 or 21 here: set JAVA_HOME"):
        find_java({})


def test_an_installed_version_that_is_not_the_locked_one_is_named():
    lock = [
        "psutil==0.1 \\",
        "    --hash=sha256:00",
        "not-installed==1.0",
        'rich==0.1 ; sys_platform == "no"',
        "pip==0.1",  # a new environment brings its own: to build it anew would change nothing
    ]
    assert list(version_skew("\n".join(lock))) == [
        f"psutil is {version('psutil')}, the lock says ==0.1"
    ]


def findings(tmp_path: Path, **environ: str) -> dict[str, tuple[Level, str]]:
    ports = {"KAFKA_PORT": str(free_port()), "REDIS_PORT": str(free_port())}
    found = examine(Workspace(tmp_path), {"STUDY_CACHE": str(tmp_path), **ports, **environ})
    return {finding.subject: (finding.level, finding.text) for finding in found}


def test_a_learner_without_anything_running_can_start(tmp_path):
    assert all(level is not Level.PROBLEM for level, _ in findings(tmp_path).values())


def test_a_setting_that_cannot_be_used_is_a_finding_and_the_others_still_come(tmp_path):
    found = findings(tmp_path, METRICS_PORT="x")
    assert found["metrics port"][0] is Level.PROBLEM
    assert found["metrics port"][1].startswith("METRICS_PORT='x' is not a whole number")
    assert "environment" not in found
    assert "jars" in found


@pytest.mark.parametrize(
    "name", ["FLINK_HOME", "FLINK_CONF_DIR", "PYTHONPATH", "JAVA_TOOL_OPTIONS"]
)
def test_a_misleading_variable_is_noted(tmp_path, name):
    level, text = findings(tmp_path, **{name: "/else/where"})["environment"]
    assert level is Level.NOTE
    assert text.endswith(f"unset {name}")


def test_a_java_home_of_another_version_is_noted_and_no_problem(tmp_path):
    home = fake_java(tmp_path / "java", "8")
    level, text = findings(tmp_path, JAVA_HOME=str(home))["JAVA_HOME"]
    assert level is Level.NOTE
    assert "nothing to do" in text


def test_help_loads_nothing_heavy():
    """What makes `study --help` instant: it loads no client, no table, no progress bar."""
    heavy = "print([m for m in ('kafka', 'rich', 'redis', 'numpy', 'psutil') if m in sys.modules])"
    command = [sys.executable, "-c", f"import sys, studykit.cli.app; {heavy}"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"
