"""Open a page in AppTest by its path in the URL, and read what its parts were given."""

import json
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from tests.app.made_lab import Made, make_lab

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")


def open_page(app: AppTest, name: str) -> AppTest:
    """Let the next run be of this page; before its first run AppTest knows file names only."""
    app._page_hash = calc_hash("" if name == "start" else name)
    return app


def opened(lab: Path, name: str, made: Made | None = None, **query: str) -> AppTest:
    """A page after its first run, on a made story; imported files lie in the visitor's workspace.

    lab: the folder of demo/ and home/. made: None makes nothing: the lab is as the test left it.
    """
    if made:
        make_lab(lab / "demo", Made(grades=made.grades) if made.brought else made)
    if made and made.brought:
        make_lab(lab / "home", made, "mine")
        query["data"] = "mine"
    page = AppTest.from_file(MAIN, default_timeout=60)
    page.query_params.update({"v": "1", **query})
    return open_page(page, name).run()


def finding(page: AppTest) -> str:
    """The page's one sentence."""
    return str(page.text[0].value)


def sent(app: AppTest, part: str) -> dict[str, Any]:
    """What a browser part was given, its tables left out."""
    for element in app.get("bidi_component"):
        if element.proto.component_name == f"kd_{part}":
            return dict(json.loads(element.proto.json or element.proto.mixed.json))
    raise AssertionError(f"no part kd_{part} on the page")
