"""The project's own papers agree: what is needed, what is locked, what the pages promise."""

import ast
import json
import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from typer.main import get_command

from flink_jobs.config import Settings
from flink_jobs.features.clickstream import SESSION_GAP_MS
from studykit.cli.app import app
from studykit.cli.jupyter import PORT
from studykit.course.builder.path_table import with_path
from studykit.course.layout import Course
from studykit.errors import StudyError
from studykit.services.flink.cluster import JobManager
from studykit.trace.simulate import simulate
from studykit.trace.stories import STORY, STORY_POLICY
from studykit.trace.words import seconds

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CLONE = Path(__file__).parents[1]
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")

PROJECT = tomllib.loads((CLONE / "pyproject.toml").read_text())["project"]
GROUPS = {"core": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
DIRECT = [Requirement(line) for group in GROUPS.values() for line in group]
LOCK = (CLONE / "requirements.lock").read_text()
LOCKED = [Requirement(line.rstrip("\\ ")) for line in LOCK.splitlines() if line[:1].isalnum()]
CONDA = yaml.safe_load((CLONE / "environment.yml").read_text())
MAKEFILE = (CLONE / "Makefile").read_text()
VERDICTS = {"on time": "on time", "corrected": "corrected", "dropped": "late"}
WATERMARKS = {"-∞": "none yet", "-2.001 s": "\N{MINUS SIGN}2.001 s"}
PAGES = {name: (CLONE / name).read_text("utf-8") for name in ("README.md", "StudyDoc.md")}


def applies(requirement: Requirement, python: str) -> bool:
    environment = {**default_environment(), "python_version": python}
    environment["python_full_version"] = f"{python}.9"
    return requirement.marker is None or requirement.marker.evaluate(environment)


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("wanted", DIRECT, ids=lambda wanted: wanted.name)
def test_each_direct_dependency_is_locked_once_at_a_version_it_allows(wanted, python) -> None:
    name = canonicalize_name(wanted.name)
    lines = [line for line in LOCKED if line.name == name and applies(line, python)]
    if not applies(wanted, python):
        others = [other for other in DIRECT if other.name == wanted.name]
        assert lines == [] or any(applies(other, python) for other in others)
        return
    (line,) = lines
    (pin,) = line.specifier
    assert pin.operator == "=="
    assert wanted.specifier.contains(pin.version, prereleases=True)


@pytest.mark.parametrize("wanted", DIRECT, ids=lambda wanted: wanted.name)
def test_each_direct_dependency_has_an_upper_bound_or_says_why_not(wanted) -> None:
    bounded = any(bound.operator in {"==", "<", "~="} for bound in wanted.specifier)
    assert bounded or wanted.name == "packaging"  # its versions are years


def test_the_lock_has_a_checksum_for_every_package_and_names_no_index() -> None:
    assert "://" not in LOCK
    assert "index-url" not in LOCK
    blocks = re.split(r"^(?=\w)", LOCK, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(LOCKED)
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_conda_installs_the_same_lock_on_a_python_that_the_project_supports() -> None:
    (python,) = (entry for entry in CONDA["dependencies"] if str(entry).startswith("python="))
    (pip,) = (entry["pip"] for entry in CONDA["dependencies"] if isinstance(entry, dict))
    version = python.partition("=")[2]
    assert SpecifierSet(PROJECT["requires-python"]).contains(f"{version}.0")
    assert version in PYTHONS
    assert pip == ["-r requirements.lock"]


def test_what_builds_the_package_is_what_is_locked() -> None:
    build = tomllib.loads((CLONE / "pyproject.toml").read_text())["build-system"]["requires"]
    assert build == [str(requirement) for requirement in DIRECT if requirement.name == "hatchling"]


ELSEWHERE = "studykit/services/feast/program.py"
"""Runs in an environment of its own, whose packages are `requirements.txt` beside it."""


def test_every_package_that_is_imported_is_a_direct_dependency() -> None:
    providers = packages_distributions()
    direct = {canonicalize_name(requirement.name) for requirement in DIRECT}
    ours = {"flink_jobs", "studykit"} | set(sys.stdlib_module_names)
    unnamed = {
        (module, path.relative_to(CLONE).as_posix())
        for folder in ("flink_jobs", "studykit")
        for path in (CLONE / folder).rglob("*.py")
        if path.relative_to(CLONE).as_posix() != ELSEWHERE
        for module in imported(path) - ours
        if not direct & {canonicalize_name(name) for name in providers.get(module, ())}
    }
    assert unnamed == set()


def imported(path: Path) -> set[str]:
    """Return the top-level modules that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def test_the_container_for_an_editor_installs_as_a_person_does_and_shows_the_usual_ports() -> None:
    container = json.loads((CLONE / ".devcontainer" / "devcontainer.json").read_text())
    assert os.access(CLONE / container["postCreateCommand"], os.X_OK)
    assert container["forwardPorts"] == [PORT, JobManager.default_port, Settings().metrics_port]
    assert {int(port) for port in container["portsAttributes"]} == {*container["forwardPorts"]}


def test_every_make_target_that_a_person_types_has_a_line_of_help() -> None:
    (phony,) = re.findall(r"^\.PHONY: (help (?:.*\\\n)*.+)", MAKEFILE, re.MULTILINE)
    told = re.findall(r"^([a-z-]+):.*## \S", MAKEFILE, re.MULTILINE)
    assert sorted(told) == sorted(phony.replace("\\\n", " ").split())


@pytest.mark.parametrize("page", PAGES)
def test_every_command_on_a_page_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## \S", MAKEFILE, re.MULTILINE))
    commands = set(get_command(app).commands)
    text = re.sub(r"```\w+\n.*?```", "", PAGES[page], flags=re.DOTALL)  # Python is no command
    blocks = "".join(re.findall(r"```\n(.*?)```", text, re.DOTALL))
    code = [line.split("#")[0] for line in blocks.splitlines()]
    code += re.findall(r"(?<!`)`([^`\n]+)`", text)
    typed = "\n".join(code)
    assert set(re.findall(r"\bmake ([a-z][a-z-]*)", typed)) <= targets
    assert set(re.findall(r"\bstudy ([a-z][a-z-]*)", typed)) <= commands


@pytest.mark.parametrize("page", PAGES)
def test_every_link_on_a_page_leads_somewhere(page: str) -> None:
    # JupyterLab knows headings by another name than code hosts do, so places are named themselves.
    anchors = set(re.findall(r'^<a id="([a-z-]+)"></a>$', PAGES[page], re.MULTILINE))
    links = re.findall(r"\]\((\S+?)\)", PAGES[page])
    assert links
    for link in links:
        if link.startswith("https://"):
            continue
        exists = link[1:] in anchors if link.startswith("#") else (CLONE / link).is_file()
        assert exists, link


def test_the_path_table_is_that_of_the_sources() -> None:
    guide = PAGES["StudyDoc.md"]
    assert with_path(guide, Course.of_clone()) == guide, "run `study course build`"


def test_a_lab_without_a_row_on_the_path_is_refused() -> None:
    guide = PAGES["StudyDoc.md"].replace("| 01 |", "| 99 |")
    with pytest.raises(StudyError, match=r"01_two_clocks.py is not on the path: add a row"):
        with_path(guide, Course.of_clone())


def test_the_story_in_the_study_guide_is_the_one_that_the_engine_tells() -> None:
    told = re.findall(
        r"^\| (\d+) s \| (\d+) \| (.+?) \| \[(\d+), (\d+)\) \| (.+?) \|$",
        PAGES["StudyDoc.md"],
        re.MULTILINE,
    )
    arrivals = [
        (step.event, seconds(step.before_ms), step.verdict)
        for step in simulate(STORY, STORY_POLICY).steps
        if step.kind == "arrival"
    ]
    assert len(told) == len(STORY)
    for (event_s, value, watermark, start_s, end_s, words), (event, before, verdict) in zip(
        told, arrivals, strict=True
    ):
        assert (int(event_s) * 1_000, int(value)) == (event.event_ms, event.value)
        assert watermark == WATERMARKS.get(before, before)
        assert int(start_s) * 1_000 <= event.event_ms < int(end_s) * 1_000
        assert words.startswith(VERDICTS[verdict])


def test_the_defaults_in_the_glossary_are_the_settings() -> None:
    settings = Settings()
    assert (settings.bound_ms, settings.size_ms, settings.slide_ms) == (30_000, 300_000, 60_000)
    assert (settings.lateness_ms, settings.max_future_ms) == (0, 300_000)
    assert SESSION_GAP_MS == 1_800_000
    defaults = (
        "a bound of 30 s, windows of 5 min every 60 s, no allowed lateness and a\nsession gap"
    )
    assert defaults in PAGES["StudyDoc.md"]


# Setting up


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone that has the script which sets it up, and a PATH of its own in `bin`."""
    for name in ("scripts", "bin"):
        (tmp_path / name).mkdir()
    (tmp_path / "scripts" / "install.sh").write_text((CLONE / "scripts/install.sh").read_text())
    for tool in ("dirname", "cat", "env"):
        (tmp_path / "bin" / tool).symlink_to(Path("/usr/bin") / tool)
    return tmp_path


def install(clone: Path, *arguments: str) -> str:
    """Run the script, see it refuse, and return what it says."""
    done = subprocess.run(
        ["/bin/sh", clone / "scripts" / "install.sh", *arguments],
        env={"PATH": str(clone / "bin")}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    assert not (clone / ".venv").exists()
    return done.stderr


def put_python(clone: Path, name: str, modules: str) -> None:
    """Put a Python of this version on the PATH that lacks the standard library's `modules`."""
    program = clone / "bin" / name
    program.write_text(
        f"#!/bin/sh\n"
        f'case "$2" in *{modules}*) exit 1;; esac\n'
        f'exec "{os.path.realpath(sys.executable)}" "$@"\n'
    )
    program.chmod(0o755)


def test_whoever_speaks_of_the_pythons_means_those_of_the_package() -> None:
    bounds = tomllib.loads((CLONE / "pyproject.toml").read_text())["project"]["requires-python"]
    (low, high) = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", bounds).groups()
    supported = [*map(str, range(int(low), int(high)))]
    spans = set()
    for page in "scripts/install.sh", "studykit/cli/doctor.py", "README.md":
        text = (CLONE / page).read_text()
        found = re.findall(r"\(3, (\d+)\) <= sys\.version_info\[:2\] <= \(3, (\d+)\)", text)
        found += re.findall(r"3\.(\d+) to 3\.(\d+)", text)
        assert found, page
        spans |= set(found)
    assert spans == {(supported[0], supported[-1])}
    tried = re.search(r"set -- (.*) python3$", (CLONE / "scripts/install.sh").read_text(), re.M)
    assert sorted(tried[1].split()) == [f"python3.{minor}" for minor in supported]


def test_no_python_is_one_sentence_with_the_remedy(clone: Path) -> None:
    said = install(clone)
    assert said.count("\n") == 1
    assert "no Python from 3.10 to 3.14 on the PATH" in said
    assert "PYTHON=/path/to/python" in said


def test_a_python_without_venv_is_one_sentence_with_the_package_to_install(clone: Path) -> None:
    put_python(clone, "python3.11", "ensurepip")
    said = install(clone)
    assert said.count("\n") == 1
    assert "python3.11 is here without the modules venv and ensurepip" in said
    assert f"python3.{sys.version_info.minor}-venv" in said


def test_a_python_that_does_not_fit_is_named(clone: Path) -> None:
    put_python(clone, "python2", "version_info")
    said = install(clone, "python2")
    assert said.startswith("PYTHON=python2 is no Python from 3.10 to 3.14")


# Continuous integration


@pytest.mark.parametrize(("ci", "status"), [("true", 1), ("", 0)])
def test_a_skipped_test_fails_in_continuous_integration_only(
    tmp_path: Path, ci: str, status: int
) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\ndef test_it(): pytest.skip('no browser')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", tmp_path,
         "-p", "tests.conftest", "-p", "no:cacheprovider", tmp_path],
        env={**os.environ, "CI": ci}, cwd=CLONE, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stdout
    assert ("nothing may be skipped" in done.stdout) == (ci == "true")
    assert "no browser" in done.stdout or not ci


@pytest.mark.parametrize("failing", [[], ["grading"], ["rest"], ["grading", "rest"]], ids=str)
def test_both_test_runs_go_on_where_the_other_fails(tmp_path: Path, failing: list[str]) -> None:
    pytest_of_a_sort = tmp_path / "run"
    pytest_of_a_sort.write_text(
        "#!/bin/sh\n"
        "case $2 in tests/grading) name=grading ;; *) name=rest ;; esac\n"
        f"echo said by $name; touch {tmp_path}/$name.began\n"
        f"until [ -e {tmp_path}/grading.began -a -e {tmp_path}/rest.began ]; do sleep 0.01; done\n"
        f"case '{' '.join(failing)}' in *$name*) exit 1 ;; esac\n"
    )
    pytest_of_a_sort.chmod(0o755)
    command = ["make", "--silent", "test", f"RUN={pytest_of_a_sort}", "--old-file=lint"]
    command += [f"GRADING_SAID={tmp_path}/grading.txt"]
    ended = subprocess.run(command, cwd=CLONE, capture_output=True, text=True, check=False)
    assert ended.stdout.splitlines() == ["said by rest", "said by grading"], ended.stderr
    assert (ended.returncode != 0) == bool(failing)


def test_make_lets_python_keep_what_it_has_compiled() -> None:
    """Else every process compiles its packages again, where a container's image says so."""
    command = ["make", "--silent", "--eval=shown:\n\t@env", "shown"]
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    shown = subprocess.run(
        command, cwd=CLONE, env=environ, capture_output=True, text=True, check=True
    )
    assert "PATH=" in shown.stdout
    assert "PYTHONDONTWRITEBYTECODE" not in shown.stdout


def test_no_module_of_the_tests_does_work_when_pytest_looks_for_examples_in_it() -> None:
    """`--doctest-modules` imports all of them, scripts too; a `conftest.py` sets up the run."""
    working = [
        f"{path.relative_to(CLONE)}:{node.lineno}"
        for path in (CLONE / "tests").rglob("*.py")
        if path.name != "conftest.py"
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.For | ast.While | ast.With)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
    ]
    assert working == []
