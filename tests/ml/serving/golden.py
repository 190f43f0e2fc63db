"""The API's document as it is reviewed: openapi.json beside this file.

python -m tests.ml.serving.golden          # writes it anew; look at the diff
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from flows.settings import Settings
from ml.serving.app import create_app
from ml.serving.service import make_service

GOLDEN = Path(__file__).with_name("openapi.json")


def document() -> dict[str, Any]:
    """Return the document of an API with default settings; nothing is opened."""
    app = create_app(make_service(Settings())).app
    assert isinstance(app, FastAPI)
    return app.openapi()


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(document(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
