"""The formats in which a model can be exported, and why a model cannot take one of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kdcore.catalog import student_entry
from kdcore.errors import ConfigError, LabError, RunError, lookup
from kdcore.runs.store import Run
from kdcore.workspace import MODEL_CARD

SENTENCE, CROSS, STATIC, ONNX, FOLDER = (
    "sentence-transformers",
    "cross-encoder",
    "static",
    "onnx",
    "folder",
)


@dataclass(frozen=True)
class Format:
    """A form of an exported model: its name on screen, and what loads it."""

    title: str
    summary: str


FORMATS: dict[str, Format] = {
    FOLDER: Format(
        "Folder with a script",
        "A script (student.py) beside the weights reads pairs as in training; plain transformers "
        "loads a cross-encoder.",
    ),
    SENTENCE: Format(
        "SentenceTransformer",
        "SentenceTransformer(folder) gives the same vectors and the same cosine; for two towers "
        "whose head reads the cosine.",
    ),
    CROSS: Format(
        "CrossEncoder",
        "CrossEncoder(folder) of sentence-transformers gives the same logits; for models that read "
        "query and ad together.",
    ),
    STATIC: Format(
        "Static embeddings",
        "A vector per token and no attention, for SentenceTransformer: the fastest and the "
        "weakest; what it loses is measured.",
    ),
    ONNX: Format(
        "ONNX",
        "The folder with a script, and model.onnx for onnxruntime: any batch size, any number of "
        "tokens.",
    ),
}


def format_entry(name: str) -> Format:
    """Return a format; UnknownNameError suggests the nearest name."""
    return lookup(FORMATS, name, "export format")


def require_format(run: Run, name: str) -> None:
    """ConfigError with the reason when this run's model cannot leave the lab in this form."""
    if reason := misfit(run, name):
        raise ConfigError(f"--format {name} is not possible for {run.id}:", [reason])


def misfit(run: Run, name: str) -> str:
    """Explain why a finished run's model cannot take this form; an empty text when it can."""
    format_entry(name)
    if name in (FOLDER, ONNX):
        return ""
    try:
        card = json.loads((run.model_folder / MODEL_CARD).read_text(encoding="utf-8"))
        entry = student_entry(str(card["model"]["name"]))
    except (OSError, ValueError, KeyError, TypeError, LabError) as cause:
        raise RunError(f"{run.id} has no model that could be exported ({cause})") from cause
    if "assistant" in card:
        return (
            "an assistant corrects this student, so what one network answers is not the whole "
            "answer; choose folder or onnx, which hold both"
        )
    if name == CROSS:
        if entry.separable:
            return (
                f"{entry.title} reads query and ad apart, so it is not a cross-encoder; "
                "choose sentence-transformers, folder or onnx"
            )
        return ""
    if reason := _no_vectors(entry.title, entry.separable, card["model"]):
        return reason
    if name == STATIC and not card["model"].get("params", {}).get("shared", True):
        return (
            "its towers learned apart, so a token has two vectors; choose sentence-transformers, "
            "folder or onnx"
        )
    return ""


def _no_vectors(title: str, separable: bool, model: Mapping[str, Any]) -> str:
    """Why no vector of a single text can be taken out; an empty text where one can."""
    if not separable:
        return (
            f"{title} reads query and ad together, so a text has no vector of its own; "
            "choose cross-encoder, folder or onnx"
        )
    if model["name"] == "cdssm" or model.get("params", {}).get("units") == "trigrams":
        return (
            "its units are letter trigrams, for which sentence-transformers has no tokenizer; "
            "choose folder or onnx"
        )
    if "crossing" in model.get("params", {}):
        return (
            "its head is a network over both vectors, so their cosine does not rank; "
            "choose folder or onnx"
        )
    return ""
