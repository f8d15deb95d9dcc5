"""The gateway as callers and services see it: a real Caddy before small upstreams that tell what reached them."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from careloop.infrastructure.gateway import GatewayServer, GatewaySettingsError, gateway_environment
from careloop.infrastructure.processes import LOOPBACK, free_port
from careloop.registry import SERVICES
from shared.testing.upstreams import RecordingUpstream

PROBLEM = "application/problem+json"
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents with a blank")
    (folder / "docs" / "assets").mkdir(parents=True)
    (folder / "openapi.json").write_text('{"openapi": "3.1.0"}')
    (folder / "docs" / "index.html").write_text("<title>careloop</title>")
    (folder / "docs" / "assets" / "page.js").write_text("0")
    (folder / "secret.txt").write_text("not a document")
    return folder


@pytest.fixture(scope="module")
def issuer_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("issuer")
    (folder / "jwks.json").write_text('{"keys": []}')
    (folder / "private.pem").write_text("private")
    return folder


@pytest.fixture(scope="module")
def upstream() -> Iterator[RecordingUpstream]:
    with RecordingUpstream() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, documents: Path, issuer_dir: Path, upstream: RecordingUpstream
) -> Iterator[GatewayServer]:
    nobody = f"{LOOPBACK}:{free_port()}"
    upstreams = {
        "ticketing": [upstream.address],
        "sla": [nobody],
        "valuation": [upstream.address],
        "complaints": [upstream.address],
    }
    state = tmp_path_factory.mktemp("state")
    with GatewayServer(state, upstreams, documents, issuer_dir=issuer_dir) as running:
        yield running


@pytest_asyncio.fixture
async def client(gateway: GatewayServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=gateway.url, timeout=30) as client:
        yield client


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    body: dict[str, object] = answer.json()
    assert body["status"] == status
    assert body["code"] == code
    assert body["type"] == f"urn:careloop:problem:{code}"
    assert body["title"]
    assert body["detail"]
    return body


async def test_a_service_gets_its_paths_whole(client: httpx.AsyncClient, upstream: RecordingUpstream) -> None:
    answer = await client.get("/ticketing/v1/tickets/T-1?limit=2")

    assert answer.status_code == 200
    assert upstream.last.path == "/ticketing/v1/tickets/T-1?limit=2"


async def test_headers_that_claim_an_identity_never_reach_a_service(
    client: httpx.AsyncClient, upstream: RecordingUpstream
) -> None:
    claims = {
        "Forwarded": "for=10.0.0.1;by=admin",
        "X-Forwarded-User": "admin",
        "X-Forwarded-For": "10.0.0.1",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Prefix": "/evil",
        "X-Real-IP": "10.0.0.1",
        "Remote-User": "admin",
        "X-Remote-User": "admin",
        "X-User": "admin",
        "X-User-Id": "1",
        "X-Userinfo": "admin",
        "X-Auth-Request-User": "admin",
    }
    await client.get("/ticketing/v1/tickets", headers={**claims, "Authorization": "Bearer abc"})

    seen = upstream.last.headers
    assert seen["authorization"] == "Bearer abc"
    assert seen["x-forwarded-for"] == LOOPBACK
    assert seen["x-forwarded-proto"] == "http"
    assert seen["x-forwarded-host"] == client.base_url.netloc.decode()
    kept = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"}
    assert {name.lower() for name in claims} & seen.keys() == kept


@pytest.mark.parametrize(
    "path",
    [
        "/healthz",
        "/readyz",
        "/metrics",
        "/ticketing/metrics",
        "/ticketing/readyz",
        "/ticketing",
        "/ticketing/v2/tickets",
        "/ticketing/v1/../../metrics",
        "/other/v1/things",
        "/secret.txt",
        "/docs/../secret.txt",
        "/docs/nothing",
        "/private.pem",
        "/.well-known/private.pem",
    ],
)
async def test_what_is_not_offered_is_a_problem_404(client: httpx.AsyncClient, path: str) -> None:
    body = problem(
        await client.get(httpx.URL(client.base_url, raw_path=path.encode())), 404, "path_not_found"
    )

    assert str(body["instance"]).startswith("/")


async def test_a_path_cannot_write_into_the_problem(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nowhere/%22,%22status%22:%20200,%22x%22:%22")

    assert problem(answer, 404, "path_not_found")["instance"] == "/"


async def test_any_host_name_is_answered(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nowhere", headers={"Host": "elsewhere.example"})

    problem(answer, 404, "path_not_found")


async def test_a_body_over_the_limit_is_refused_and_the_service_stays_in_use(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post("/ticketing/v1/tickets", content=b"x" * (MEGABYTE + 1))
    problem(answer, 413, "request_too_large")

    for _ in range(5):
        assert (await client.get("/ticketing/v1/tickets")).status_code == 200


async def test_a_body_over_the_limit_is_refused_when_its_length_is_not_announced(
    client: httpx.AsyncClient,
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * (MEGABYTE // 2)

    problem(await client.post("/ticketing/v1/tickets", content=chunks()), 413, "request_too_large")


async def test_imports_may_be_larger_than_other_bodies(
    client: httpx.AsyncClient, upstream: RecordingUpstream
) -> None:
    answer = await client.post("/valuation/v1/transaction-imports", content=b"x" * 3 * MEGABYTE)

    assert answer.status_code == 200
    assert upstream.last.body_bytes == 3 * MEGABYTE


async def test_a_service_without_a_ready_process_is_a_problem(client: httpx.AsyncClient) -> None:
    answer = await client.get("/sla/v1/policies")

    assert answer.status_code in (502, 503)
    problem(answer, answer.status_code, {502: "bad_gateway", 503: "service_unavailable"}[answer.status_code])
    assert answer.headers["retry-after"] == "1"


async def test_a_service_that_breaks_off_is_a_problem_502(client: httpx.AsyncClient) -> None:
    problem(await client.get("/complaints/v1/break-off"), 502, "bad_gateway")


async def test_a_service_that_stays_silent_is_a_problem_504(
    tmp_path: Path, documents: Path, upstream: RecordingUpstream
) -> None:
    upstreams = {name: [upstream.address] for name in SERVICES}
    server = GatewayServer(tmp_path, upstreams, documents, response_timeout_seconds=0.2)
    async with server as gateway, httpx.AsyncClient() as client:
        answer = await client.post(f"{gateway.url}/ticketing/v1/silence")

    problem(answer, 504, "gateway_timeout")


async def test_a_services_own_problem_passes_unchanged(client: httpx.AsyncClient) -> None:
    answer = await client.get("/ticketing/v1/problem")

    assert answer.status_code == 409
    assert answer.json() == {"code": "ticket_already_closed"}
    assert answer.headers["content-type"] == PROBLEM


async def test_an_etag_and_its_body_pass_unchanged_whatever_encoding_the_caller_takes(
    client: httpx.AsyncClient, upstream: RecordingUpstream
) -> None:
    answer = await client.get("/ticketing/v1/large", headers={"Accept-Encoding": "gzip, zstd, br"})

    assert answer.headers["etag"] == '"7"'
    assert "content-encoding" not in answer.headers
    again = await client.get("/ticketing/v1/large", headers={"If-None-Match": '"7"'})
    assert again.status_code == 304
    assert upstream.last.headers["if-none-match"] == '"7"'


async def test_documents_and_the_issuers_keys_are_served(client: httpx.AsyncClient) -> None:
    assert (await client.get("/openapi.json")).json() == {"openapi": "3.1.0"}
    assert (await client.get("/docs/")).text == "<title>careloop</title>"
    assert (await client.get("/docs/assets/page.js")).status_code == 200
    assert (await client.get("/docs")).headers["location"] == "/docs/"
    assert (await client.get("/")).headers["location"] == "/docs/"
    keys = await client.get("/.well-known/jwks.json")
    assert keys.json() == {"keys": []}
    assert keys.headers["content-type"] == "application/json"


async def test_every_answer_carries_security_headers_and_no_servers_name(client: httpx.AsyncClient) -> None:
    for path in ("/ticketing/v1/tickets", "/docs/", "/nowhere"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "server" not in headers
        assert ("script-src 'self'" in headers["content-security-policy"]) == (path == "/docs/")


async def test_the_access_log_is_json_without_tokens(
    client: httpx.AsyncClient, gateway: GatewayServer
) -> None:
    await client.get(
        "/ticketing/v1/logged?access_token=SECRET&q=Ada",
        headers={
            "Authorization": "Bearer SECRET",
            "Cookie": "session=SECRET",
            "Proxy-Authorization": "Basic SECRET",
            "Referer": "https://shop.example/?token=SECRET",
        },
    )
    await client.get("/sla/v1/failed?access_token=SECRET", headers={"Authorization": "Bearer SECRET"})

    written = gateway.access_log.read_text()
    entries = [json.loads(line) for line in written.splitlines()]
    logged = [entry for entry in entries if entry["request"]["uri"] == "/ticketing/v1/logged"]
    assert len(logged) == 1
    assert logged[0]["status"] == 200
    assert logged[0]["request"]["method"] == "GET"
    for text in (written, gateway.log.read_text()):
        assert "SECRET" not in text
        assert "Ada" not in text


async def test_there_is_no_admin_api(gateway: GatewayServer) -> None:
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"http://{LOOPBACK}:2019/config/")


async def test_a_process_that_is_not_ready_gets_no_requests(
    tmp_path: Path, documents: Path, upstream: RecordingUpstream
) -> None:
    with RecordingUpstream() as other:
        both = {name: [upstream.address, other.address] for name in SERVICES}
        async with GatewayServer(tmp_path, both, documents) as gateway, httpx.AsyncClient() as client:
            other.ready = False
            # Each service's proxy asks for itself: in the third round the answers of the first have been heard.
            await other.was_asked_for_readiness(times=2 * len(SERVICES) + 1)
            answered = other.answered
            for _ in range(10):
                assert (await client.get(f"{gateway.url}/ticketing/v1/tickets")).status_code == 200
            assert other.answered == answered


async def test_tls_is_a_setting(tmp_path: Path, documents: Path, upstream: RecordingUpstream) -> None:
    upstreams = {name: [upstream.address] for name in SERVICES}
    server = GatewayServer(tmp_path, upstreams, documents, tls="internal")
    async with server as gateway, httpx.AsyncClient(verify=False) as client:
        answer = await client.get(f"{gateway.url}/ticketing/v1/tickets")

    assert gateway.url.startswith("https://")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert upstream.last.headers["x-forwarded-proto"] == "https"


def test_a_service_without_upstreams_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GatewaySettingsError, match="no upstream is named for sla, valuation, complaints"):
        gateway_environment(address="http://:1", upstreams={"ticketing": ["a:1"]}, documents_dir=tmp_path)


def test_tls_without_an_https_address_is_refused(tmp_path: Path) -> None:
    upstreams = {name: ["a:1"] for name in SERVICES}
    with pytest.raises(GatewaySettingsError, match="does not go with the address"):
        gateway_environment(address="http://:1", upstreams=upstreams, documents_dir=tmp_path, tls="internal")
