"""The presentation and the hidden parts: what a link asks for is what the page leaves out."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.shell.presenting import HIDEABLE

MAIN = str(Path(__file__).parents[3] / "app" / "main.py")


def opened(**link: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=120)
    for name, value in link.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def rules(app: AppTest) -> str:
    return "\n".join(node.proto.body for node in app.get("html"))


def test_a_page_hides_nothing_unasked():
    shown = rules(opened(v="1"))
    assert not [name for name, rule in HIDEABLE.items() if rule in shown]


def test_a_link_hides_the_parts_it_names_and_tells_a_name_that_is_none():
    app = opened(v="1", hide="finding, exports,nonsense")
    shown = rules(app)
    assert {name for name, rule in HIDEABLE.items() if rule in shown} == {"finding", "exports"}
    assert any("nonsense is none of rail, pickers" in box.value for box in app.warning)


def test_a_presentation_hides_navigation_pickers_and_tabs_and_enlarges_the_type():
    shown = rules(opened(v="1", present="1"))
    assert HIDEABLE["rail"] in shown
    assert HIDEABLE["pickers"] in shown
    assert ".st-key-ranking_controls" in HIDEABLE["pickers"]
    assert HIDEABLE["tabs"] in shown
    assert "html { font-size: clamp(18px" in shown


@pytest.mark.parametrize("name", HIDEABLE)
def test_every_hidden_part_has_a_rule_that_hides(name):
    assert "none" in HIDEABLE[name]
