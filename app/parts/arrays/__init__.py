"""Columns that browser parts draw from, sent to the page once for each key."""

import pyarrow as pa

from app.kit.browser_part import part

_mount = part(__name__)


def arrays(table: pa.Table, content_key: str, key: str) -> None:
    """Send a table; parts read it by its content key, the hash of what it holds.

    key: of the mount; another content under the same mount joins what the page has.
    """
    _mount(key=key, data={"key": content_key, "table": table}, height=1)
