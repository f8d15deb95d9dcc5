"""The OpenAPI 3.1 document of a service, and one document for all of them."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from shared.web.permissions import Permissions


def describe(app: FastAPI, permissions: Permissions) -> None:
    """Make `app.openapi()` (kept after the first call) say what the edge does."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = get_openapi(
                title=app.title,
                version=app.version,
                summary=app.summary,
                description=app.description,
                routes=app.routes,
            )
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
