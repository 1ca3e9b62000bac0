"""Decide where a model's files come from, a folder of this machine or an id of the model hub.

What a folder lacks is seen here by the names of its files; nothing is loaded.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Thread
from typing import Any

from kdcore.errors import DataError
from kdcore.workspace import missing_folder

PATIENCE = 3.0  # seconds in which the hub must respond; its own client would try for a minute


def local_or_hub(name: str) -> tuple[str, bool]:
    """Return (what to open, whether only files of this machine may be read).

    A hub id that was downloaded before opens without a connection. Raises DataError when there is
    no such folder, or when the id would have to be downloaded and the hub does not respond.

    name: a folder or a hub id.
    """
    if problem := missing_folder(name):
        raise DataError(f"{problem}; check the path, or name a model of the hub")
    folder = os.path.expanduser(name)
    if os.path.isdir(folder):
        return folder, True
    if hub_answers():
        return name, False
    if _is_cached(name):
        return name, True
    raise DataError(
        "there is no such folder, and the hub cannot be reached to download a model called "
        f"{name}: put its config.json, model.safetensors and tokenizer files in a folder and give "
        "the path of that folder"
    )


def hub_answers() -> bool:
    """Return whether the model hub responds within some seconds, name resolution included."""
    from huggingface_hub import constants, get_session

    responses: list[bool] = []

    def probe() -> None:
        try:
            get_session().head(constants.ENDPOINT, timeout=PATIENCE)
            responses.append(True)
        # offline mode, no network, a proxy that refuses: all mean that nothing can be downloaded
        except Exception:
            responses.append(False)

    if constants.HF_HUB_OFFLINE:
        return False
    thread = Thread(target=probe, daemon=True)  # a name server may take longer than any time-out
    thread.start()
    thread.join(PATIENCE + 0.5)
    return responses == [True]


def _is_cached(name: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(name, "config.json"), str)


def refuse_incomplete(source: str) -> None:
    """Raise DataError where a folder has not the files of a classifier; a hub id is not checked."""
    folder = Path(os.path.expanduser(source))
    if not folder.is_dir():
        return
    entries = _modules(folder)
    refuse_vectors(source, [str(entry.get("type", "")).rpartition(".")[2] for entry in entries])
    folder /= str(entries[0].get("path") or "") if entries else ""
    refuse_pickles(source, folder)
    lacking = [
        name
        for name, kinds in (
            ("config.json", ("config.json",)),
            ("model.safetensors", ("*.safetensors",)),
            ("tokenizer.json", ("tokenizer.json", "vocab.*", "*.model")),
        )
        if not any(any(folder.glob(kind)) for kind in kinds)
    ]
    if lacking:
        raise DataError(
            f"{source} cannot score: it has no {' and no '.join(lacking)}; put every file that "
            "save_pretrained writes for the model and for its tokenizer in that folder"
        )


def refuse_vectors(source: str, modules: Sequence[str]) -> None:
    """Raise DataError where the modules of sentence-transformers make vectors, not scores."""
    if "Pooling" in modules:
        raise DataError(
            f"{source} makes a vector of each text (modules.json lists Pooling) and scores no "
            "pairs; start two towers from it, or fine-tune it: kdlab finetune --model FOLDER"
        )


def module_entries(modules: Any) -> list[Mapping[str, Any]]:
    """The entries of a modules.json; none where it is no list of them."""
    listed = modules if isinstance(modules, list) else []
    return [entry for entry in listed if isinstance(entry, Mapping)]


def _modules(folder: Path) -> list[Mapping[str, Any]]:
    try:
        return module_entries(json.loads((folder / "modules.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):  # there is none, or what is damaged is told by the run
        return []


def refuse_pickles(source: str, folder: Path) -> None:
    """Raise DataError when a folder stores its weights in no other way than as a pickle."""
    pickles = [path.name for kind in ("*.bin", "*.pt", "*.ckpt") for path in folder.glob(kind)]
    if pickles and not list(folder.glob("*.safetensors")):
        raise DataError(
            f"{source} holds its weights as {min(pickles)} alone, a pickle, which may run any code "
            "when it is opened, so it is not opened; load it where you trust it and save it again "
            "with save_pretrained, which writes model.safetensors"
        )
