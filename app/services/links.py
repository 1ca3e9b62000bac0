"""Settings as the text of a link; states too long for one, stored under their hash."""

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote, unquote

from app.services import access
from kdcore.workspace import write_text_atomic

_FOLDER = "links"
_PLAIN = " /:,.=+*()[]{}@-_~'\"!?#&<>|^$\\`"  # all but what `encode` itself writes
_MOST = 2000  # stored states; the oldest go first


def encode(changed: Mapping[str, Any]) -> str:
    """Settings as the text of a link: `path=value;path=value`."""
    return ";".join(f"{path}={quote(_text(v), safe=_PLAIN)}" for path, v in changed.items())


def decode(text: str) -> dict[str, Any]:
    """What `encode` wrote; what is no setting is left out."""
    parts = (part.partition("=") for part in text.split(";"))
    return {path.strip(): unquote(value) for path, sign, value in parts if sign and path.strip()}


def keep(query: dict[str, str]) -> str:
    """The 16 hex digits under which a link's parameters are stored, or "" where none may be."""
    text = json.dumps(query, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    path = access.home().cache_folder(_FOLDER) / f"{digest}.json"
    if path.exists():
        return digest
    if access.public():
        return ""
    try:
        write_text_atomic(path, text)
    except OSError:  # a full disk or a read-only home: the link stays long
        return ""
    with suppress(OSError):  # another visitor may tidy in the same moment
        files = sorted(path.parent.glob("*.json"), key=lambda p: p.stat().st_mtime)
        for old in files[:-_MOST]:
            old.unlink(missing_ok=True)
    return digest


def fetch(digest: str) -> dict[str, str] | None:
    """The parameters stored under a hash, or None."""
    path = access.home().cache_folder(_FOLDER) / f"{digest}.json"
    if not re.fullmatch(r"[0-9a-f]{16}", digest) or not path.is_file():
        return None
    try:
        query = json.loads(path.read_text(encoding="utf-8"))
        return {str(k): str(v) for k, v in query.items()}
    except (OSError, ValueError, AttributeError):
        return None


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else str(value)
