"""The files for Docker and Kubernetes: valid by their own tools, and of the locked versions."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import zipfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from flink_jobs.config import Settings
from flink_jobs.connectors.security import ALLOWED_TOKENS
from flink_jobs.runtime.java import find_java
from studykit.cli.launcher.page import GRAFANA_PORT
from studykit.services.flink.cluster import JobManager
from studykit.services.flink.jars import Jar, JarCache, read_lock
from studykit.services.topics import TOPICS

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "docker-compose.yml"
SECURED = ROOT / "deploy" / "compose.secured.yml"
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
DEPLOYMENT = ROOT / "deploy" / "kubernetes" / "features.yaml"
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboards" / "features.json"

OPERATOR = Jar(
    "org.apache.flink:flink-kubernetes-operator-api:1.10.0",
    190_877,
    "b1f44814e17514fa8395c61b329a3ee9087123a5bda5b21fe1a495d5182c30b6",
)
"""The newest release of the operator whose schema is published as a jar. It knows all fields that
are used here, and no version of Flink after 1.20; later ones take `v2_2`."""
SCHEMA_FILE = "META-INF/fabric8/flinkdeployments.flink.apache.org-v1.yml"


def compose() -> dict[str, Any]:
    return yaml.safe_load(COMPOSE.read_text())


def deployment() -> dict[str, Any]:
    found = {part["kind"]: part for part in yaml.safe_load_all(DEPLOYMENT.read_text())}
    return found["FlinkDeployment"]


def image(service: str) -> str:
    return compose()["services"][service]["image"].partition(":")[2]


@pytest.mark.jvm
def test_a_container_prints_json(tmp_path: Path):
    """Say what the image's configuration makes of the log of a JobManager, which finds nothing."""
    rewrite = re.search(r"RUN (sed '[^']+' flink_jobs/runtime/log4j.properties)", DOCKERFILE)[1]
    config = tmp_path / "log4j-console.properties"
    with config.open("w") as file:
        subprocess.run(shlex.split(rewrite), cwd=ROOT, stdout=file, check=True)
    assert deployment()["spec"]["logConfiguration"] == {config.name: config.read_text()}
    said = subprocess.run(
        [
            find_java().command,
            f"-Dlog.file={tmp_path / 'flink.log'}",
            f"-Dlog4j.configurationFile={config.as_uri()}",
            "-cp",
            f"{Path(find_spec('pyflink').submodule_search_locations[0]) / 'lib'}/*",
            JobManager.main_class,
            *("--configDir", tmp_path / "nowhere"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [json.loads(line) for line in said.stdout.splitlines()]
    assert {"time_ms", "level", "job", "message"} <= set.intersection(*map(set, lines))
    assert not (tmp_path / "flink.log").exists()


@pytest.mark.parametrize("more", [[], [SECURED]], ids=["alone", "with a login"])
def test_compose_file_is_valid(more: list[Path]):
    command = next(
        (
            words
            for words in (["docker", "compose"], ["docker-compose"])
            if shutil.which(words[0])
            and not subprocess.run([*words, "version"], capture_output=True, check=False).returncode
        ),
        None,
    )
    if command is None:
        pytest.skip("neither `docker compose` nor `docker-compose` is installed")
    checked = subprocess.run(
        [*command, *(word for file in (COMPOSE, *more) for word in ("-f", file)), "config", "-q"],
        env={**os.environ, "KAFKA_SERVERS": "broker:9093", "SECRETS": "/secrets"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


def test_every_part_of_the_job_gets_the_login():
    """The setting's names are real ones, and the property is that by which Java allows a token."""
    services = yaml.safe_load(SECURED.read_text())["services"]
    parts = [name for name, part in compose()["services"].items() if "build" in part]
    assert services.keys() == {*parts} - {"lab"}
    assert all(service["volumes"][0].endswith(":/run/secrets:ro") for service in services.values())
    names = {name.upper() for name in Settings.__dataclass_fields__}
    for name, value in services["features"]["environment"].items():
        assert name.removesuffix("_FILE") in names or name in names
        assert "FILE" not in name or value.startswith("/run/secrets/")
    assert services["processor"] == services["features"]
    (options,) = services["taskmanager"]["environment"].values()
    assert options.startswith(f"-D{ALLOWED_TOKENS}=file:///run/secrets/")


@pytest.mark.jvm
@pytest.mark.parametrize("part", ["jobmanager", "taskmanager"])
def test_flink_s_scripts_hand_the_token_to_java_and_nothing_else_is_said(part: str, tmp_path: Path):
    """Where the script would start the process, its words are printed instead."""
    environment = yaml.safe_load(SECURED.read_text())["services"][part]["environment"]
    home = tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    java = home / "bin" / "java"
    java.write_text(
        f'#!/bin/sh\ncase "$*" in *runtime.entrypoint*|*TaskManagerRunner*) echo "$@";;\n'
        f'*) exec {find_java().command} "$@";; esac\n'
    )
    java.chmod(0o755)
    scripts = Path(find_spec("pyflink").submodule_search_locations[0]) / "bin"
    said = subprocess.run(
        ["bash", scripts / f"{part}.sh", "start-foreground"],
        env={**os.environ, **environment, "JAVA_HOME": str(home), "FLINK_LOG_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert environment.popitem()[1] in said.stdout.split(), said.stderr
    assert "Picked up" not in said.stdout + said.stderr


def test_flink_is_the_locked_one_everywhere():
    locked = version("apache-flink")
    assert re.search(r"^ARG FLINK=(.*)$", DOCKERFILE, re.MULTILINE)[1] == locked
    assert compose()["x-lab"]["build"]["args"]["FLINK"] == locked
    spec = deployment()["spec"]
    assert spec["flinkVersion"] == "v" + "_".join(locked.split(".")[:2])
    assert spec["job"]["jarURI"].endswith(f"/flink-python-{locked}.jar")


def test_kafka_is_the_locked_one():
    (locked,) = (root for root in read_lock()["kafka"].roots if ":kafka_" in root)
    assert image("kafka") == locked.rpartition(":")[2]


def test_broker_has_the_settings_that_the_job_relies_on():
    settings = compose()["services"]["kafka"]["environment"]
    assert settings["KAFKA_LOG_MESSAGE_TIMESTAMP_TYPE"] == "LogAppendTime"
    assert settings["KAFKA_TRANSACTION_STATE_LOG_MIN_ISR"] == 1
    assert settings["KAFKA_TRANSACTION_MAX_TIMEOUT_MS"] >= 900_000
    assert compose()["services"]["topics"]["command"] == "study up"
    assert "dead-letter" in TOPICS  # which that command creates


@pytest.mark.parametrize("service", sorted(compose()["services"]))
def test_ports_are_on_loopback(service):
    for port in compose()["services"][service].get("ports", []):
        assert port.startswith("127.0.0.1:")


def test_mounted_files_are_there():
    for service in compose()["services"].values():
        for volume in service.get("volumes", []):
            if volume.startswith("./"):
                assert (ROOT / volume.split(":")[0]).exists(), volume


def test_deployment_is_valid_by_the_operators_own_schema():
    (jar,) = JarCache.of_user().ensure([OPERATOR])
    with zipfile.ZipFile(jar) as archive:
        definition = yaml.safe_load(archive.read(SCHEMA_FILE))
    schema = closed(definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    found = deployment()
    found["spec"]["flinkVersion"] = "v1_20"
    jsonschema.validate(found, schema)
    found["spec"]["job"]["upgradeMod"] = "savepoint"
    with pytest.raises(jsonschema.ValidationError, match="upgradeMod"):
        jsonschema.validate(found, schema)


ALERTS = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"][1]["rules"]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()


def test_prometheus_reads_the_alerts_that_are_mounted_beside_its_settings():
    settings = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    assert settings["rule_files"] == ["alerts.yml"]
    assert compose()["services"]["prometheus"]["volumes"] == [
        "./deploy/prometheus:/etc/prometheus:ro"
    ]


def test_prometheus_asks_both_executions():
    settings = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    targets = {
        part["job_name"]: part["static_configs"][0]["targets"]
        for part in settings["scrape_configs"]
    }
    assert targets["flink"] == ["jobmanager:8088", "taskmanager:8088"]
    processor = compose()["services"]["processor"]
    assert targets["processor"] == [f"localhost:{processor['environment']['METRICS_PORT']}"]
    assert targets["processor"] == [f"localhost:{Settings().metrics_port}"]
    assert processor["network_mode"] == "service:prometheus", "its metrics are on loopback only"


def test_every_alert_has_a_section_in_the_runbook_and_every_section_an_alert():
    names = list(dict.fromkeys(rule["alert"] for rule in ALERTS))
    assert re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE) == names
    for section in RUNBOOK.split("\n## ")[1:]:
        assert re.findall(r"^\*(\w+):\*", section, re.MULTILINE) == ["Seen", "Why", "Look", "Mend"]


@pytest.mark.parametrize(
    "rule", ALERTS, ids=lambda rule: f"{rule['alert']}-{rule['labels']['severity']}"
)
def test_an_alert_is_whole(rule):
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"


def test_compose_and_kubernetes_ask_for_the_job_s_health():
    probe = compose()["services"]["features"]
    port = probe["environment"]["METRICS_PORT"]
    assert f"127.0.0.1:{port}/healthz" in " ".join(probe["healthcheck"]["test"])
    assert probe["environment"]["METRICS_PAGES"].split() == [
        f"http://{name}:8088/metrics" for name in ("jobmanager", "taskmanager")
    ]
    (master,) = deployment()["spec"]["jobManager"]["podTemplate"]["spec"]["containers"]
    config = next(
        found["data"]
        for found in yaml.safe_load_all(DEPLOYMENT.read_text())
        if found["kind"] == "ConfigMap"
    )
    command = " ".join(master["readinessProbe"]["exec"]["command"])
    assert f"127.0.0.1:{config['METRICS_PORT']}/healthz" in command


def closed(schema: Any) -> Any:
    """Return the schema without room for fields that it does not name: a misspelt one is found."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: closed(part) for name, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        if schema["properties"].keys() >= {"spec", "status"}:
            schema["properties"].update({key: {} for key in ("apiVersion", "kind", "metadata")})
        schema.setdefault("additionalProperties", False)
    return schema


def test_state_is_on_the_volume_that_outlives_a_pod():
    spec = deployment()["spec"]
    mounts = spec["podTemplate"]["spec"]["containers"][0]["volumeMounts"]
    mount = next(mount for mount in mounts if mount["name"] == "state")
    places = [
        value
        for name, value in spec["flinkConfiguration"].items()
        if name.endswith((".dir", "-dir", "storageDir"))
    ]
    assert len(places) == 3
    assert all(place.startswith(f"file://{mount['mountPath']}/") for place in places)
    assert "--managed" in spec["job"]["args"]  # what these words do: tests/parity


def test_dashboard_asks_the_provisioned_source():
    source = yaml.safe_load(
        (ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text()
    )
    uid = source["datasources"][0]["uid"]
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert {panel["targets"][0]["datasource"]["uid"] for panel in panels} == {uid}
    assert any("numLateRecordsDropped" in panel["targets"][0]["expr"] for panel in panels)
    assert all(panel["description"] for panel in panels)


def test_what_holds_flink_is_built_where_flink_has_a_package():
    """On Macs with Apple silicon Docker would choose ARM, for which PyFlink is not published."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    built = [service for service in services.values() if "build" in service]
    assert built
    assert {service["platform"] for service in built} == {"linux/amd64"}
    dashboards = services["grafana"]["ports"]
    assert dashboards == [f"127.0.0.1:{GRAFANA_PORT}:3000"]


def test_the_site_is_published_by_the_command_that_a_person_types():
    workflow = yaml.safe_load((ROOT / ".github/workflows/site.yml").read_text())
    steps = workflow["jobs"]["publish"]["steps"]
    build, upload = (
        next(s for s in steps if key in s and word in s[key])
        for key, word in (("run", "make site"), ("uses", "upload-pages-artifact"))
    )
    assert build["run"] == f"make site OUT={upload['with']['path']}"
    assert workflow["permissions"] == {"contents": "read", "pages": "write", "id-token": "write"}
