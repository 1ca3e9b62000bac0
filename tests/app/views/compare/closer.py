"""Compare below its picture, drawn alone in a state, and what it shows then."""

import json

import pandas as pd
from streamlit.testing.v1 import AppTest

from app.state import State, changed, of_keys


def draw():
    from app import services
    from app.views.compare import details, selection

    board = services.board()
    details.draw(board, selection.selected(board))


def shown(script, **by_key) -> AppTest:
    """A script after its first run in a state of these choices, by their keys in a link."""
    at = AppTest.from_function(script, default_timeout=60)
    at.session_state["kd_state"] = changed(State(), **of_keys(by_key))
    at.run()
    assert not at.exception
    return at


def now(at: AppTest) -> State:
    """The state."""
    return at.session_state["kd_state"]


def table(at: AppTest) -> pd.DataFrame:
    """The table of disagreements."""
    return at.dataframe[0].value


def cards(at: AppTest, key: str = "pair_cards") -> list[dict]:
    """The cards of the part with this key."""
    parts = [e.proto for e in at.get("bidi_component") if key in e.proto.id]
    return json.loads(parts[0].json)["cards"]
