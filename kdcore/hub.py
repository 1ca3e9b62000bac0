"""Decide where a model's files come from: a folder of this machine, or an id of the model hub."""

import os
from threading import Thread

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
