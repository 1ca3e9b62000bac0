"""The presentation and the hidden parts: what a link asks for is what the page leaves out."""

from streamlit.testing.v1 import AppTest

from app.shell.presenting import HIDEABLE
from tests.app.visitor import visit


def rules(app: AppTest) -> str:
    return "\n".join(node.proto.body for node in app.get("html"))


def test_a_page_hides_nothing_unasked():
    shown = rules(visit("start"))
    assert not [name for name, rule in HIDEABLE.items() if rule in shown]


def test_a_link_hides_the_parts_it_names_and_tells_a_name_that_is_none():
    app = visit("start", hide="finding, exports,nonsense")
    shown = rules(app)
    assert {name for name, rule in HIDEABLE.items() if rule in shown} == {"finding", "exports"}
    assert any("nonsense is none of rail, pickers" in box.value for box in app.warning)


def test_a_presentation_hides_navigation_pickers_and_tabs_and_enlarges_the_type():
    shown = rules(visit("start", present="1"))
    assert all(HIDEABLE[name] in shown for name in ("rail", "pickers", "send"))
    assert ".st-key-w_ttab" in shown
    assert ".st-key-w_lview" not in shown  # the views of Losses stay
    assert "html { font-size: clamp(18px" in shown
