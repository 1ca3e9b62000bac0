"""Open a page in AppTest by its path in the URL, and read what its parts were given."""

import json
from typing import Any

from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash


def open_page(app: AppTest, name: str) -> AppTest:
    """Let the next run be of this page; before its first run AppTest knows file names only."""
    app._page_hash = calc_hash("" if name == "start" else name)
    return app


def sent(app: AppTest, part: str) -> dict[str, Any]:
    """What a browser part was given, its tables left out."""
    for element in app.get("bidi_component"):
        if element.proto.component_name == f"kd_{part}":
            return dict(json.loads(element.proto.json or element.proto.mixed.json))
    raise AssertionError(f"no part kd_{part} on the page")
