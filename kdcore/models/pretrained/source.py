"""Where a model's files come from: a folder of this machine, or an id of the model hub."""

import os

from kdcore.data.sources.hub import hub_answers
from kdcore.errors import DataError
from kdcore.workspace import missing_folder


def local_or_hub(name: str) -> tuple[str, bool]:
    """(what to open, whether only files of this machine may be read) of a folder or a hub id.

    A hub id that was downloaded before opens without a connection. Raises DataError when there is
    no such folder, or when the id would have to be downloaded and the hub does not respond.
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


def _is_cached(name: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(name, "config.json"), str)
