"""GET /kd/live/<run id>, /kd/recipe/<pipeline id>: what is new, for the parts that watch them.

Every visitor who may see the pages may look, in a public showing too; nothing can be changed
here. Only ids of runs are taken, never a path.
"""

import json
import zlib

import streamlit as st
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_FRESH = {"cache-control": "no-store"}


def routes() -> list[Route]:
    """The address, at the root and below whatever path a proxy or server.baseUrlPath puts it."""
    return [
        Route("/kd/live/{run}", _live, methods=["GET"]),
        Route("/{base:path}/kd/live/{run}", _live, methods=["GET"]),
        Route("/kd/recipe/{pipeline}", _recipe, methods=["GET"]),
        Route("/{base:path}/kd/recipe/{pipeline}", _recipe, methods=["GET"]),
    ]


def _live(request: Request) -> Response:
    """Not async: files are read, so Starlette calls it in a thread and pages go on meanwhile."""
    if not _is_served_under(request.url.hostname or ""):
        return JSONResponse({"error": "this lab is not served under that name"}, 403, _FRESH)
    from app.services.live import run  # pages need it anyway; the server's own start does not

    query = request.query_params
    seen = run.Known(
        query.get("after", "0"),
        _whole(query.get("moment", "")),
        query.get("twin", "0"),
        _whole(query.get("twin_moment", "")),
    )
    news = run.answer(request.path_params["run"], seen)
    if news is None:
        return JSONResponse({"error": "there is no such run here"}, 404, _FRESH)
    body = json.dumps(news, allow_nan=False, separators=(",", ":"))
    tag = f'"{zlib.crc32(body.encode()):08x}"'
    headers = _FRESH | {"etag": tag, "kd-clock": str(run.clock())}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _recipe(request: Request) -> Response:
    """How a pipeline stands; not async for the same reason."""
    if not _is_served_under(request.url.hostname or ""):
        return JSONResponse({"error": "this lab is not served under that name"}, 403, _FRESH)
    from app.services.live import recipe

    now = recipe.answer(request.path_params["pipeline"])
    if now is None:
        return JSONResponse({"error": "there is no such pipeline here"}, 404, _FRESH)
    return JSONResponse(now, headers=_FRESH)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def _is_served_under(host: str) -> bool:
    """Whether this lab answers to the name of a host; its web sockets check the same."""
    allowed = [str(name).strip().lower() for name in st.get_option("server.allowedHosts") or ()]
    host = host.lower().rstrip(".")
    return (
        not allowed
        or "*" in allowed
        or host in allowed
        or any(name.startswith("*.") and host.endswith(name[1:]) for name in allowed)
    )
