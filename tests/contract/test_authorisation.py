"""Every operation against every role: who is not in the table is refused, before anything else is looked at."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from careloop.documents.openapi import compose_all
from careloop.registry import SERVICES
from shared.testing.tokens import TestIssuer
from shared.web.authentication import ROLES

METHODS = {"get", "post", "put", "patch", "delete"}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield operation["operationId"], method.upper(), path


def concrete(path: str) -> str:
    return re.sub(r"\{[^}]+\}", lambda _: str(uuid4()), path)


@pytest.mark.parametrize("name", SERVICES)
async def test_each_role_passes_only_where_the_table_says(
    name: str, make_service: Any, issuer: TestIssuer
) -> None:
    service = await make_service(name)
    table = service.app.state.edge.permissions.table
    wrong = []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url="http://s") as client:
        for operation, method, path in operations(service.app.openapi()):
            for role in sorted(ROLES):
                claims = {"customer_id": str(uuid4())} if role == "customer" else {}
                if role == "system":
                    claims["scopes"] = f"{name}:*"
                answer = await client.request(method, concrete(path), headers=issuer.headers(role, **claims))
                if (answer.status_code == 403) == (role in table[operation]):
                    wrong.append(f"{role} {method} {path}: {answer.status_code}")
                assert answer.status_code != 401
                assert answer.status_code < 500, (method, path, role, answer.text)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", SERVICES)
async def test_without_a_token_or_scope_nothing_is_answered(
    name: str, make_service: Any, issuer: TestIssuer
) -> None:
    service = await make_service(name)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url="http://s") as client:
        for _, method, path in operations(service.app.openapi()):
            bare = await client.request(method, concrete(path))
            assert bare.status_code == 401, (method, path)
            assert bare.headers["content-type"] == "application/problem+json"
            assert bare.headers["www-authenticate"].startswith("Bearer")
            without_scope = await client.request(method, concrete(path), headers=issuer.headers("system"))
            assert without_scope.status_code == 403, (method, path)


def test_every_operation_is_in_one_document_with_its_service_in_front() -> None:
    from shared.web.openapi import merge_documents

    documents = {name: service.app.openapi() for name, service in compose_all().items()}
    merged = merge_documents(documents)
    ids = [operation for operation, _, _ in operations(merged)]
    assert len(ids) == len(set(ids))
    assert len(ids) == sum(len(list(operations(document))) for document in documents.values())
    assert all(path.startswith(tuple(f"/{name}/v1/" for name in SERVICES)) for path in merged["paths"])
