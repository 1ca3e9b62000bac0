"""Language models that fill a gap: opened once, asked once a sentence, never in a drag."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from app.kit.by_hash import by_hash
from app.services import access
from kdcore import language
from kdcore.errors import RunError
from kdcore.language import Filled
from kdcore.workspace import read_json

_OPENING = Lock()  # transformers cannot build two models in the same moment


@dataclass(frozen=True)
class MaskedAnswer:
    """What a model would write, how large it is, and the measured time of the answer alone."""

    title: str
    filled: Filled
    layers: int
    weights: int
    milliseconds: float


def own_masked(role: str) -> Path | None:
    """The folder of the lab's own language teacher or student, where the demo has one."""
    folder = access.demo().root / "masked" / role
    return folder if (folder / "config.json").is_file() else None


def measured_distilbert() -> Mapping[str, Any]:
    """What `kdlab masked measure` found, as it is bundled; empty where it is missing."""
    return read_json(access.ASSETS / "measured" / "distilbert.json")


def measured_stores() -> Mapping[str, Any]:
    """What `kdlab masked measure --stores` found, as it is bundled; empty where it is missing."""
    return read_json(access.ASSETS / "measured" / "topk.json")


def fill_mask(source: str, sentence: str, title: str = "") -> MaskedAnswer:
    """A model's answer to a sentence with one gap; LabError when either cannot be.

    source: a folder or a hub id. In a public showing only the lab's own models are asked.
    """
    text = language.check_sentence(sentence)
    own = {str(own_masked(role)) for role in ("teacher", "student")}
    if access.public() and source not in own:
        raise RunError(access.PUBLIC_REASON)
    with _turn(source):  # a slow hub keeps no other visitor waiting
        return _answer(source, _changed(source), text, title)


@by_hash(most=1000)
def _turn(source: str) -> Lock:
    """Of each model: two visitors who open the page load it once and ask it in turn."""
    return Lock()


@by_hash(most=40)
def _answer(source: str, changed: int, sentence: str, title: str) -> MaskedAnswer:
    model = _model(source, changed)
    began = time.perf_counter()
    filled = model.fill(sentence)
    spent = (time.perf_counter() - began) * 1000
    layers = int(getattr(model.net.config, "num_hidden_layers", 0))
    return MaskedAnswer(title or source, filled, layers, int(model.net.num_parameters()), spent)


@by_hash(most=4)
def _model(source: str, changed: int) -> Any:
    """The model, asked once already, so that what is timed later is the answer alone."""
    language.fetch(source)
    with _OPENING:
        model = language.open_model(source)
    model.fill("Warm [MASK] up.")
    return model


def _changed(source: str) -> int:
    weights = Path(source).expanduser() / "model.safetensors"
    return weights.stat().st_mtime_ns if weights.is_file() else 0
