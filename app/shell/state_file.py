"""The state of a page as a file: saved with the page's name, and opened again."""

import json
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from app import state
from app.kit.texts import md
from app.shell import frame
from app.shell.pages import PAGES
from app.state import keys

FILE = "kdlab-state.json"
LARGEST = 100_000  # characters of a file of choices; anything longer is none


def text() -> str:
    """The present page and its state as JSON."""
    page = next((p.name for p in PAGES if p.title == frame.page_title()), PAGES[0].name)
    saved = datetime.now(UTC).isoformat(timespec="seconds")
    content = {"program": "KD Lab", "page": page, "saved": saved, "state": state.link()}
    return json.dumps(content, indent=2, ensure_ascii=False)


def read(content: bytes) -> tuple[str, dict[str, str], list[str]]:
    """The page and the state that a saved file names, and a sentence for each part left out.

    ValueError, with a sentence, when the file holds no state at all.
    """
    saved = _parsed(content)
    query = saved.get("state")
    if not isinstance(query, dict):
        raise ValueError(
            'this file holds no state of the lab: it needs "page" and "state", as '
            "Save → This state (JSON) writes them"
        )
    problems, choices = [], {}
    page, names = saved.get("page"), [page.name for page in PAGES]
    if page not in names:
        problems.append(f"page: no page is called {str(page)[:40]!r}; Start is shown")
        page = names[0]
    for name, value in query.items():
        if isinstance(value, str):
            choices[str(name)] = value
        else:
            problems.append(f"{str(name)[:40]}: {str(value)[:40]!r} is not a text")
    return str(page), choices, problems


def _parsed(content: bytes) -> dict[str, Any]:
    if len(content) > LARGEST:
        raise ValueError(
            f"this file has {len(content):,} bytes; a saved state has at most {LARGEST:,}"
        )
    try:
        saved = json.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError) as cause:
        raise ValueError(f"this file is not JSON: {str(cause)[:80]}") from cause
    return saved if isinstance(saved, dict) else {}


def opener() -> None:
    """The control that opens a saved state: it goes to its page and names what was left out."""
    upload = st.file_uploader("Open a saved state (JSON)", type="json", key="keep_open")
    if upload is None or st.session_state.get(keys.STATE_FILE) == upload.file_id:
        return
    st.session_state[keys.STATE_FILE] = upload.file_id
    try:
        page, query, problems = read(upload.getvalue())
    except ValueError as cause:
        st.error(md(f"{upload.name}: {cause}."))
        return
    state.open_link(query)
    for problem in problems:
        state.ignore(problem)
    st.switch_page(f"views/{page}/page.py")
