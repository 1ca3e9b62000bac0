"""The app as an ASGI application whose every answer carries the security headers."""

import base64
import hashlib
import re
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from app.shell.live_route import routes


def _inline_scripts() -> str:
    """Hashes of the scripts that stand in Streamlit's own page, as a policy names them."""
    page = (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    bodies = re.findall(r"<script>(.*?)</script>", page, flags=re.S)
    digests = [base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() for body in bodies]
    return "".join(f" 'sha256-{digest}'" for digest in digests)


# Own files only; browser parts are blob: modules; data: is for fonts and saved pictures
POLICY = (
    f"default-src 'self'; script-src 'self' blob:{_inline_scripts()}; "
    "style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; frame-ancestors 'self'; "
    "form-action 'self'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)


class SecurityHeaders:
    """ASGI middleware: adds the headers to HTTP answers, leaves web sockets alone."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on and add the headers to the start of its answer."""

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *HEADERS]}
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


@asynccontextmanager
async def _prepared(_app: "st.App") -> AsyncIterator[None]:
    """Prepare the first visit in a thread; the server answers meanwhile."""
    threading.Thread(target=_prepare).start()
    yield


def _prepare() -> None:
    from app.shell import first_visit  # half a second of imports

    first_visit.prepare()


def lab() -> "st.App":
    """The app with its headers, and the address at which a run is watched."""
    return st.App(
        Path(__file__).with_name("main.py"),
        lifespan=_prepared,
        routes=routes(),
        middleware=[Middleware(SecurityHeaders)],
    )
