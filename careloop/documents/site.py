"""The pages a suite shows: one OpenAPI document for all services, and Swagger UI to browse it, served from here."""

import json
import shutil
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from shared.web.openapi import merge_documents

ASSETS = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")

PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>careloop API</title>
  <link rel="icon" type="image/png" href="assets/favicon-32x32.png">
  <link rel="stylesheet" href="assets/swagger-ui.css">
</head>
<body>
  <div id="api"></div>
  <script src="assets/swagger-ui-bundle.js"></script>
  <script src="assets/start.js"></script>
</body>
</html>
"""

START = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  displayRequestDuration: true,
  persistAuthorization: true,
});
"""


def write_site(folder: Path, documents: Mapping[str, dict[str, Any]]) -> Path:
    """Write `openapi.json` and `docs/` below `folder`, for the gateway or for one process; returns the folder.

    `documents` are the OpenAPI documents of the services by name.
    """
    assets = folder / "docs" / "assets"
    assets.mkdir(parents=True, exist_ok=True)
    merged = json.dumps(merge_documents(documents), ensure_ascii=False)
    (folder / "openapi.json").write_text(merged, encoding="utf-8")
    (folder / "docs" / "index.html").write_text(PAGE, encoding="utf-8")
    (assets / "start.js").write_text(START, encoding="utf-8")
    for name in ASSETS:
        with as_file(files("fastapi_swagger") / "resources" / name) as shipped:
            shutil.copyfile(shipped, assets / name)
    return folder
