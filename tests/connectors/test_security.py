"""Secured services: one file for every client, tried on a broker that demands TLS and a login."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
import redis
from rich.console import Console

from flink_jobs.config import Settings, SettingsError
from flink_jobs.connectors.kafka import KafkaUnusable, check_topics, open_consumer
from flink_jobs.connectors.outbox import Outbox
from flink_jobs.connectors.redis import FeatureStore, open_answering
from flink_jobs.connectors.redis_errors import StoreUnusable
from flink_jobs.connectors.security import KafkaSecurity, parse_properties, store_name, store_url
from flink_jobs.errors import ServiceAway
from studykit.cli.doctor import Level, examine
from studykit.cli.status import show_status
from studykit.services.addresses import Addresses
from studykit.services.network.ports import free_port
from studykit.services.seed import Seeding, seed_kafka
from studykit.services.topics import count_records, create_topics, reachable
from studykit.workspace import Workspace
from tests.support.inputs.rows import fraud_row
from tests.support.services.secured import (
    PASSWORD,
    USER,
    Certificates,
    SecuredKafka,
    make_certificates,
    make_token,
    properties,
    tls_before,
    token_properties,
    write_properties,
)
from tests.support.services.shared import home_for_services
from tests.support.services.stores import server
from tests.support.worlds.processor import START_MS
from tests.support.worlds.run import Run

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="the certificates are made with openssl"
)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def broker(certificates: Certificates) -> Iterator[SecuredKafka]:
    with home_for_services() as home:
        kafka = SecuredKafka(Workspace(home), free_port(), certificates)
        kafka.start()
        yield kafka
        kafka.stop()


@needs_openssl
@pytest.mark.services
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"])
def test_both_clients_log_in(broker: SecuredKafka, tmp_path: Path, mechanism: str) -> None:
    held = properties(broker.certificates, mechanism)
    if mechanism == "OAUTHBEARER":
        (tmp_path / "token").write_text(make_token(broker.certificates) + "\n")
        held = token_properties(broker.certificates, tmp_path / "token")
    settings = of(broker, tmp_path, held)
    check_topics(settings)
    outbox = Outbox(settings)
    outbox.send([fraud_row(revision=0)], [])
    assert outbox.flush(30)
    outbox.close()
    consumer = open_consumer(settings)
    assert consumer.partitions_for_topic("features-fraud") == {0, 1, 2, 3}
    consumer.close(autocommit=False)


@needs_openssl
@pytest.mark.services
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"sasl.jaas.config": f'x username="{USER}" password="wrong";'}, "refuses the login"),
        ({"ssl.truststore.location": "stranger"}, "certificate"),
    ],
)
def test_login_that_is_refused_is_one_sentence(
    broker: SecuredKafka, tmp_path: Path, wrong: dict[str, str], says: str
) -> None:
    held = properties(broker.certificates, "SCRAM-SHA-512") | wrong
    if held["ssl.truststore.location"] == "stranger":
        held["ssl.truststore.location"] = str(broker.certificates.stranger)
    with pytest.raises(KafkaUnusable) as error:
        check_topics(of(broker, tmp_path, held))
    assert says in str(error.value) and "KAFKA_PROPERTIES_FILE" in str(error.value)
    assert PASSWORD not in str(error.value)


@needs_openssl
@pytest.mark.services
def test_token_of_another_authority_is_one_sentence(broker: SecuredKafka, tmp_path: Path) -> None:
    signed = replace(broker.certificates, authority=broker.certificates.stranger)
    (tmp_path / "token").write_text(token := make_token(signed))
    held = token_properties(broker.certificates, tmp_path / "token")
    with pytest.raises(KafkaUnusable, match="refuses the login") as error:
        check_topics(of(broker, tmp_path, held))
    assert token not in str(error.value)


@needs_openssl
@pytest.mark.services
def test_broker_that_demands_tls_is_named_to_a_client_without(broker: SecuredKafka) -> None:
    with pytest.raises(KafkaUnusable, match="KAFKA_PROPERTIES_FILE"):
        check_topics(Settings(kafka_servers=broker.secured))


@needs_openssl
@pytest.mark.services
def test_processor_works_with_secured_services_and_tells_no_secret(
    broker: SecuredKafka, tmp_path: Path
) -> None:
    payment = (
        b'{"event_id":"e","card_id":"c","merchant_id":"m","amount_cents":100,"country":"LU",'
        b'"lat":49.6,"lon":6.1,"event_time":%d}'
    )
    outside = Outbox(Settings(kafka_servers=broker.address))
    for minute in (0, 20):
        value = payment % (START_MS + minute * 60_000)
        outside._producer.produce("transactions", value, b"c", partition=0)
    assert outside.flush(30)
    outside.close()
    held = properties(broker.certificates, "SCRAM-SHA-512")
    certificates = broker.certificates
    with (
        server(tmp_path, "--requirepass", "se:cret") as port,
        tls_before(port, certificates.server) as secured,
    ):
        trust = f"ssl_ca_certs={certificates.authority}"
        (tmp_path / "url").write_text(f"rediss://:se%3Acret@127.0.0.1:{secured}/1?{trust}\n")
        environment = {
            "KAFKA_SERVERS": broker.secured,
            "KAFKA_PROPERTIES_FILE": str(write_properties(tmp_path / "client.properties", held)),
            "REDIS_URL_FILE": str(tmp_path / "url"),
        }
        run = Run(tmp_path, environment, "--until-caught-up")
        assert run.ended() == 0, run.log.read_text()
        with redis.Redis(port=port, password="se:cret", db=1) as client:
            assert client.hget("features:fraud:c", "tx_count") == b"1"
    log = run.log.read_text()
    assert not any(secret in log for secret in (PASSWORD, "se:cret", "se%3Acret"))


@needs_openssl
@pytest.mark.services
def test_the_lab_s_commands_log_in_as_the_executions_do(
    broker: SecuredKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = properties(broker.certificates, "SCRAM-SHA-512")
    monkeypatch.setenv("KAFKA_SERVERS", broker.secured)
    file = str(write_properties(tmp_path / "client.properties", held))
    monkeypatch.setenv("KAFKA_PROPERTIES_FILE", file)
    create_topics(broker.secured)
    assert reachable(broker.secured)
    before = count_records(broker.secured, ["transactions", "clickstream"])
    assert seed_kafka(Seeding(events=50), broker.secured) == 50
    assert count_records(broker.secured, ["transactions", "clickstream"]) == before + 50
    assert reachable(broker.address), "the login is not for another broker, such as the lab's own"
    certificates = broker.certificates
    with (
        server(tmp_path, "--requirepass", "se:cret") as port,
        tls_before(port, certificates.server) as secured,
    ):
        trust = f"ssl_ca_certs={certificates.authority}"
        monkeypatch.setenv("REDIS_URL", f"rediss://:se%3Acret@127.0.0.1:{secured}/1?{trust}")
        addresses = Addresses.find(Workspace(tmp_path))
        assert (addresses.redis_port, addresses.own_redis) == (secured, False)
        with redis.Redis(port=port, password="se:cret", db=1) as client:
            client.hset("features:fraud:c", "tx_count", 1)
        console = Console(file=StringIO(), width=120)
        show_status(Workspace(tmp_path), console)
        findings = list(examine(Workspace(tmp_path)))
    told = console.file.getvalue()
    assert re.search(r"features:fraud:\S* +1\n", told)
    assert "transactions" in told
    assert "se:cret" not in told and "se%3Acret" not in told
    services = {found.subject: found.level for found in findings}
    assert services["Redis"] is services["Kafka"] is Level.GOOD


def of(broker: SecuredKafka, folder: Path, held: dict[str, str]) -> Settings:
    file = write_properties(folder / "client.properties", held)
    return Settings(kafka_servers=broker.secured, kafka_properties_file=str(file))


# --- the file ---

SCRAM = {
    "security.protocol": "SASL_SSL",
    "sasl.mechanism": "SCRAM-SHA-512",
    "sasl.jaas.config": r'm required username="u" password="a\"b\\c";',
    "acks": "all",
}


def test_every_client_gets_the_same_login() -> None:
    security = KafkaSecurity(SCRAM)
    assert security.java == {key: value for key, value in SCRAM.items() if key != "acks"}
    python, c = security.kafka_python, security.librdkafka
    assert (python["sasl_plain_username"], python["sasl_plain_password"]) == ("u", r'a"b\c')
    assert (c["sasl.username"], c["sasl.password"]) == ("u", r'a"b\c')
    assert python["ssl_check_hostname"] is True
    unchecked = KafkaSecurity({**SCRAM, "ssl.endpoint.identification.algorithm": ""})
    assert unchecked.kafka_python["ssl_check_hostname"] is False
    assert unchecked.librdkafka["ssl.endpoint.identification.algorithm"] == "none"
    assert "b" not in repr(security).replace("KafkaSecurity", "")


def test_no_file_changes_nothing() -> None:
    security = KafkaSecurity.read(Settings())
    assert (security.java, security.kafka_python, security.librdkafka) == ({}, {}, {})


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"security.protocol": "TLS"}, "security.protocol must be PLAINTEXT or"),
        ({"sasl.mechanism": "GSSAPI"}, "sasl.mechanism must be PLAIN or"),
        ({"sasl.jaas.config": 'm required username="secret";'}, "must have username="),
        ({"ssl.cipher.suites": "secret"}, "ssl.cipher.suites is not supported"),
        ({"ssl.truststore.location": "secret.jks"}, "ssl.truststore.type must be PEM"),
    ],
)
def test_property_that_cannot_be_used_is_named_without_its_value(
    wrong: dict[str, str], says: str
) -> None:
    with pytest.raises(SettingsError) as error:
        KafkaSecurity({**SCRAM, **wrong}, "client.properties")
    assert says in str(error.value) and "client.properties" in str(error.value)
    assert "secret" not in str(error.value).replace("secret.jks", "")


@needs_openssl
@pytest.mark.parametrize(
    ("content", "wrong", "says"),
    [
        ("expired", {}, "has expired: have the file renewed"),
        ("no token", {}, "holds no JWT"),
        ("secret.e30.x", {}, "holds no JWT that says when it expires"),
        (None, {}, "cannot be read"),
        ("valid", {"sasl.login.callback.handler.class": "x"}, "handler.class must be org.apache"),
        ("valid", {"sasl.oauthbearer.token.endpoint.url": "https://secret"}, "must be file:///"),
    ],
)
def test_token_that_cannot_be_used_is_one_sentence(
    certificates: Certificates,
    tmp_path: Path,
    content: str | None,
    wrong: dict[str, str],
    says: str,
) -> None:
    file = tmp_path / "token"
    if content is not None:
        valid_s = {"expired": -1.0, "valid": 60.0}.get(content)
        file.write_text(content if valid_s is None else make_token(certificates, valid_s))
    with pytest.raises(SettingsError, match=says) as error:
        KafkaSecurity({**token_properties(certificates, file), **wrong}, "client.properties")
    assert "secret" not in str(error.value)


def test_java_format() -> None:
    text = "! a\n#b\n\nkey = a=b\nlong=one \\\n   two\nquoted=\\=\\\\\n"
    assert parse_properties(text) == {"key": "a=b", "long": "one two", "quoted": "=\\"}


def test_file_that_is_missing_is_one_sentence(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    with pytest.raises(SettingsError, match="cannot be read"):
        KafkaSecurity.read(Settings(kafka_properties_file=missing))
    with pytest.raises(SettingsError, match=r"REDIS_URL_FILE=.* cannot be read"):
        Settings.load({"REDIS_URL_FILE": missing})


# --- the store ---


def test_secret_is_read_from_a_file_and_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("rediss://user:secret@host:7000/2\n")
    settings = Settings.load({"REDIS_URL_FILE": str(file)})
    assert store_url(settings) == "rediss://user:secret@host:7000/2"
    assert store_name(settings) == "host:7000"
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    "url", ["http://u:secret@h", "redis://", "redis://h:secret/0", "redis://h/secret", "secret"]
)
def test_url_that_cannot_be_used_is_not_shown(url: str) -> None:
    with pytest.raises(SettingsError, match="REDIS_URL cannot be used") as error:
        store_url(Settings(redis_url=url))
    assert "secret" not in str(error.value)


@pytest.mark.services
def test_user_password_and_database(tmp_path: Path) -> None:
    with server(tmp_path) as port, redis.Redis(port=port) as admin:
        admin.execute_command(
            "ACL SETUSER features on >se:cret ~features:* +@read +@write +@scripting +@connection"
        )
        admin.execute_command("ACL SETUSER default off")
        own = Settings(redis_url=f"redis://features:se%3Acret@127.0.0.1:{port}/3")
        with open_answering(own) as client:
            assert FeatureStore(client, {"fraud": 1_000}).write([fraud_row(revision=0)]).stale == 0
            assert client.connection_pool.connection_kwargs["db"] == 3
        wrong = replace_url(own, "wrong")
        with pytest.raises(StoreUnusable, match="another login") as error:
            open_answering(wrong)
        assert "wrong" not in str(error.value)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Give the port of a store that demands a login."""
    with server(tmp_path_factory.mktemp("store")) as port, redis.Redis(port=port) as admin:
        admin.execute_command(
            "ACL SETUSER features on >se:cret ~features:* +@read +@write +@scripting +@connection"
        )
        admin.execute_command("ACL SETUSER default off")
        yield port


@needs_openssl
@pytest.mark.services
def test_store_with_tls_an_acl_user_and_a_client_certificate(
    store: int, certificates: Certificates
) -> None:
    with tls_before(store, certificates.server, certificates.authority) as port:
        files = f"ssl_certfile={certificates.client}&ssl_keyfile={certificates.client}"
        own = secured_url(port, certificates, f"&{files}")
        with open_answering(own) as client:
            assert FeatureStore(client, {"fraud": 9_000}).write([fraud_row(revision=0)]).stale == 0
        with pytest.raises(StoreUnusable, match="refuses the client certificate, or demands one"):
            open_answering(secured_url(port, certificates))
        with pytest.raises(StoreUnusable, match="demands another login") as error:
            open_answering(replace_url(own, "wrong"))
        assert "wrong" not in str(error.value)


@needs_openssl
@pytest.mark.services
@pytest.mark.parametrize(
    ("certificate", "says"),
    [("expired", "has expired"), ("elsewhere", "is of another host"), ("stranger", "not trusted")],
)
def test_store_s_certificate_that_is_wrong_is_one_sentence(
    store: int, certificates: Certificates, certificate: str, says: str
) -> None:
    shown = getattr(certificates, certificate if certificate != "stranger" else "server")
    trusted = certificates.stranger if certificate == "stranger" else certificates.authority
    with tls_before(store, shown) as port, pytest.raises(StoreUnusable, match=says) as error:
        open_answering(secured_url(port, certificates, authority=trusted))
    assert "se%3Acret" not in str(error.value)


@needs_openssl
@pytest.mark.services
def test_store_without_tls_or_with_it_alone_is_one_sentence(
    store: int, certificates: Certificates
) -> None:
    with pytest.raises(ServiceAway, match="busy, or does not speak TLS at this port"):
        open_answering(secured_url(store, certificates), timeout_s=0.2)
    with pytest.raises(StoreUnusable, match="holds no certificate or key"):
        open_answering(
            secured_url(store, certificates, authority=certificates.server.with_suffix(".csr"))
        )
    with pytest.raises(SettingsError, match="ssl_ca_certs=/nowhere cannot be read"):
        open_answering(secured_url(store, certificates, authority=Path("/nowhere")))


def secured_url(
    port: int, certificates: Certificates, more: str = "", authority: Path | None = None
) -> Settings:
    """Return the URL of the store behind TLS, whose certificate is for the loopback address."""
    trusted = authority or certificates.authority
    url = f"rediss://features:se%3Acret@127.0.0.1:{port}/3?ssl_ca_certs={trusted}{more}"
    return Settings(redis_url=url)


def replace_url(settings: Settings, password: str) -> Settings:
    return Settings(redis_url=settings.redis_url.replace("se%3Acret", password))
