"""Open a page of the app in AppTest by its path in the URL."""

from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash


def open_page(app: AppTest, name: str) -> AppTest:
    """Let the next run be of this page; before its first run AppTest knows file names only."""
    app._page_hash = calc_hash("" if name == "start" else name)
    return app
