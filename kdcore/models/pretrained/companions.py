"""What the files beside a classifier's weights say of how it reads a pair, and what it answers.

They are those of sentence-transformers' CrossEncoder, version 1 to 6: `modules.json`,
`config_sentence_transformers.json`, `sentence_bert_config.json`, and two entries of `config.json`.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers.utils import cached_file

from kdcore.errors import DataError
from kdcore.hub import local_or_hub, module_entries, refuse_vectors

_NAMES = {"Sigmoid": "sigmoid", "Identity": "identity"}


@dataclass(frozen=True)
class Companions:
    """The settings of a classifier's folder.

    place: where config.json and weights lie, a subfolder or the source itself. activation: what
    makes a score of its logits: sigmoid, identity, another name, or "" where no file says it.
    longest: tokens of a pair, 0 where no file says it. prompt: what stands before the query.
    """

    place: str
    activation: str = ""
    longest: int = 0
    prompt: str = ""
    lowercase: bool = False

    @classmethod
    def of(cls, source: str) -> "Companions":
        """Read them; DataError when the folder holds another kind of model than a classifier."""
        path, local = local_or_hub(source)
        place = _place(source, path, _json(path, "modules.json", local), local)
        library = _json(path, "config_sentence_transformers.json", local)
        reader = _json(place, "sentence_bert_config.json", local)
        classifier = _json(place, "config.json", local)
        entry = _group(classifier.get("sentence_transformers"))
        function = (
            library.get("activation_fn")
            or entry.get("activation_fn")
            or classifier.get("sbert_ce_default_activation_function")
            or ""
        )
        last = str(function).rpartition(".")[2]
        prompts, chosen = _group(library.get("prompts")), library.get("default_prompt_name")
        return cls(
            place=place,
            activation=_NAMES.get(last, last),
            longest=_whole(reader.get("max_seq_length")) or _whole(entry.get("max_length")),
            prompt=str(prompts.get(str(chosen)) or ""),
            lowercase=reader.get("do_lower_case") is True,
        )


def _place(source: str, path: str, modules: Any, local: bool) -> str:
    """Where the transformer of a sentence-transformers folder lies."""
    if not modules:
        return path
    entries = module_entries(modules)
    names = [str(entry.get("type", "")).rpartition(".")[2] for entry in entries]
    refuse_vectors(source, names)
    if names != ["Transformer"]:
        raise DataError(
            f"{source}: its modules.json lists {', '.join(names) or 'nothing'}, and a ready "
            "classifier is one Transformer; choose a sequence classifier with its own head"
        )
    inside = str(entries[0].get("path") or "")
    if inside and not os.path.isdir(path):
        raise DataError(
            f"{source}: its weights lie in its folder {inside}; download it, and give that folder"
        )
    return os.path.join(path, inside) if inside else path


def _json(path: str, name: str, local: bool) -> Any:
    """The content of a JSON file of a folder or a hub id; {} where there is none."""
    try:
        if os.path.isdir(path):
            file: str | None = os.path.join(path, name)
        else:
            file = cached_file(
                path,
                name,
                local_files_only=local,
                _raise_exceptions_for_missing_entries=False,
                _raise_exceptions_for_connection_errors=False,
            )
        return json.loads(Path(file).read_text(encoding="utf-8")) if file else {}
    except (OSError, ValueError):  # what is damaged is told when the model is loaded
        return {}


def _group(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
