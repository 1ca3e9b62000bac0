"""The one cache of the app: what a function returned, stored by the content of its arguments.

@by_hash(most=40)
def curve(board, who, gain): ...

Two arguments are the same when their content is: an object with a `cache_key` or a `content_hash`
is compared by it, a dataclass by the fields that its own hash takes, an array by its numbers,
everything else by its value.
"""

import hashlib
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import fields, is_dataclass
from functools import update_wrapper
from inspect import signature
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

P = ParamSpec("P")
R = TypeVar("R")
_EVERY: "list[Cached[Any, Any]]" = []


class Cached(Generic[P, R]):
    """A function whose results are stored; callers share a result and never change it."""

    def __init__(
        self,
        function: Callable[P, R],
        most: int,
        seconds: float,
        spinner: str,
        on: Callable[..., Any] | None,
    ) -> None:
        self._function, self._most, self._seconds = function, most, seconds
        self._spinner, self._on, self._signature = spinner, on, signature(function)
        self._results: OrderedDict[Hashable, tuple[float, R]] = OrderedDict()
        self._turns: dict[Hashable, threading.RLock] = {}
        update_wrapper(self, function)
        _EVERY.append(self)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The stored result for these arguments, computed by the first that asks for it."""
        key = self._key(*args, **kwargs)
        if (stored := self._stored(key)) is not None:
            return stored[1]
        try:
            with self._turns.setdefault(key, threading.RLock()):  # others wait for the first
                if (stored := self._stored(key)) is None:
                    with self._waiting():
                        stored = time.monotonic(), self._function(*args, **kwargs)
                    self._results[key] = stored
                    while len(self._results) > self._most:
                        self._results.popitem(last=False)
        finally:  # a function that fails leaves no lock behind
            self._turns.pop(key, None)
        return stored[1]

    def _waiting(self) -> AbstractContextManager[None]:
        """What the page says meanwhile; the server also computes ahead, for no page."""
        on_page = get_script_run_ctx(suppress_warning=True) is not None
        return st.spinner(self._spinner) if self._spinner and on_page else nullcontext()

    def clear(self) -> None:
        """Forget every result."""
        self._results.clear()

    def _key(self, *args: P.args, **kwargs: P.kwargs) -> Hashable:
        if self._on is not None:
            return content_of(self._on(*args, **kwargs))
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return content_of(tuple(bound.arguments.values()))

    def _stored(self, key: Hashable) -> tuple[float, R] | None:
        stored = self._results.get(key)
        if stored is None or time.monotonic() - stored[0] > self._seconds:
            return None
        with suppress(KeyError):  # another thread may have let it go
            self._results.move_to_end(key)
        return stored


def by_hash(
    most: int,
    *,
    seconds: float = math.inf,
    spinner: str = "",
    on: Callable[..., Any] | None = None,
) -> Callable[[Callable[P, R]], Cached[P, R]]:
    """Store a function's results by the content of its arguments.

    most: results that are stored; those unused for longest go first. seconds: how long one
    counts. spinner: what the page says while one is computed. on: of the arguments, what the
    result depends on, where that is less than their whole content (of a board, a model and the
    pairs).
    """
    return lambda function: Cached(function, most, seconds, spinner, on)


def clear() -> None:
    """Forget every result of every function."""
    for cached in _EVERY:
        cached.clear()


def content_of(value: Any) -> Hashable:
    """A short hashable value that is equal for equal contents; TypeError where none is known."""
    if value is None or isinstance(value, str | int | float | bytes | Path):
        return value
    if isinstance(value, list | tuple):
        return tuple(content_of(each) for each in value)
    if isinstance(value, Mapping):
        return tuple((name, content_of(each)) for name, each in value.items())
    for name in ("cache_key", "content_hash"):
        if (key := getattr(value, name, None)) is not None:
            return type(value).__name__, key
    if isinstance(value, np.ndarray):
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return value.shape, value.dtype.str, digest
    if is_dataclass(value):
        names = (field.name for field in fields(value) if field.hash is not False)
        return type(value).__name__, *(content_of(getattr(value, name)) for name in names)
    raise TypeError(f"no content is known of {type(value).__name__}; name what counts with `on`")
