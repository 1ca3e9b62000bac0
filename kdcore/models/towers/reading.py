"""How a folder's encoder makes a vector of a text: what its sentence-transformers files say.

They are modules.json, the config.json of Pooling and Dense, sentence_bert_config.json and
config_sentence_transformers.json, as versions 1 to 6 write them. A folder without them is a plain
encoder, whose vector is the mean of its tokens unless a knob says otherwise.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers.utils import cached_file

from kdcore.errors import DataError
from kdcore.hub import local_or_hub, module_entries
from kdcore.predictions import WEIGHTS
from kdcore.workspace import MODEL_CARD

_POOLINGS = {"cls": "cls", "mean": "mean", "max": "max", "lasttoken": "last"}
_KNOWN = ("Transformer", "Pooling", "Dense", "Normalize")
_ACTIVATIONS = {"Tanh": "tanh", "Identity": ""}
_QUERY, _AD = ("query",), ("document", "passage", "corpus")  # names of prompts, the first wins
FROM_FOLDER, NOTHING = "folder", "none"  # values of the knobs `pooling`, and of the prompts


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a text becomes a vector: prompt, encoder, pooling, dense layer, unit length.

    pooling: cls, mean, max or last. dense: how wide a layer behind the pooling is, 0 for none;
    activation: tanh, or "" for none. query_prompt, ad_prompt: what is put before a text. longest:
    the tokens of a text with its prompt and special tokens, 0 where no file says it.
    """

    pooling: str = "mean"
    normalize: bool = False
    dense: int = 0
    bias: bool = True
    activation: str = ""
    query_prompt: str = ""
    ad_prompt: str = ""
    longest: int = 0


@dataclass(frozen=True)
class Source:
    """A pretrained encoder's files. name: as it was given; place: where its config.json lies."""

    name: str
    place: str
    reading: Reading
    dense: Mapping[str, Tensor] | None = None


def read_source(name: str, params: Any) -> Source:
    """Find the files of a folder or a hub id; what the knobs in `params` say comes first.

    DataError when its vectors are made in a way that the lab does not know.
    """
    path, local = local_or_hub(name)
    files = _Files(name, path, local)
    modules = _modules(files)
    place = _place(files, modules)
    settings = files.read("config_sentence_transformers.json")
    limits = replace(files, path=place).read("sentence_bert_config.json")
    reading = Reading(longest=_whole(limits.get("max_seq_length")))
    if limits.get("do_lower_case") is True:
        raise files.refusal(
            "lowers the case of texts before its tokenizer (do_lower_case)",
            "set do_lower_case to false in sentence_bert_config.json if its tokenizer does it, too",
        )
    reading = replace(
        reading,
        pooling=_pooling(files, modules, params),
        normalize="Normalize" in modules,
        query_prompt=_prompt(params.query_prompt, settings, _QUERY),
        ad_prompt=_prompt(params.ad_prompt, settings, _AD),
    )
    _refuse_unread_prompt(files, modules, reading)
    reading, dense = _dense(files, modules, reading)
    return Source(name, place, reading, dense)


@dataclass(frozen=True)
class _Files:
    """Where the files lie. name: as it was given; path: a folder or a hub id."""

    name: str
    path: str
    local: bool

    def find(self, file: str) -> Path | None:
        """The path of a file on this machine, or None where there is no such file."""
        if os.path.isdir(self.path):
            local = Path(self.path, file)
            return local if local.is_file() else None
        path = cached_file(
            self.path,
            file,
            local_files_only=self.local,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
        return Path(path) if path else None

    def read(self, file: str) -> Any:
        """The content of a JSON file; {} where there is none."""
        path = self.find(file)
        if path is None:
            return {}
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as cause:
            reason = f"has a damaged {file} ({' '.join(str(cause).split())[:100]})"
            raise self.refusal(reason, "fetch it again") from cause

    def refusal(self, reason: str, cure: str) -> DataError:
        """An error that names the source."""
        return DataError(f"{self.name} {reason}; {cure}")


def _modules(files: _Files) -> dict[str, str]:
    """The folder of each module of modules.json by its kind; {} for a plain encoder."""
    modules: dict[str, str] = {}
    for entry in module_entries(files.read("modules.json")):
        kind, path = (str(entry.get(key) or "") for key in ("type", "path"))
        name = kind.rpartition(".")[2]
        if kind.partition(".")[0] != "sentence_transformers":
            raise files.refusal(
                f"names code of its own ({kind} in modules.json), which is not run",
                "choose an encoder that needs no code of its own",
            )
        if name not in _KNOWN or name in modules:
            again = "a second " if name in modules else "a module "
            raise files.refusal(
                f"lists {again}{name} in modules.json, which the lab does not read",
                f"it reads one each of {', '.join(_KNOWN)}; choose another encoder, or give the "
                "folder of its transformer alone",
            )
        modules[name] = path
    if list(modules) != [kind for kind in _KNOWN if kind in modules]:
        raise files.refusal(
            f"lists its modules as {', '.join(modules)}",
            f"the lab reads them in the order {', '.join(_KNOWN)}; choose another encoder",
        )
    return modules


def _place(files: _Files, modules: Mapping[str, str]) -> str:
    """Where the transformer lies: the source itself, or a folder in it."""
    inside = modules.get("Transformer", "")
    if inside and not os.path.isdir(files.path):
        raise files.refusal(f"keeps its weights in {inside}", "download it and give its folder")
    return os.path.join(files.path, inside) if inside else files.path


def _pooling(files: _Files, modules: Mapping[str, str], params: Any) -> str:
    if params.pooling != FROM_FOLDER:
        return str(params.pooling)
    if "Pooling" not in modules:
        return Reading.pooling
    settings = files.read(f"{modules['Pooling']}/config.json")
    modes = settings.get("pooling_mode")
    if modes is None:  # versions 1 to 5
        marks = [key for key, on in settings.items() if key.startswith("pooling_mode_") and on]
        modes = [mark.removeprefix("pooling_mode_") for mark in marks] or ["mean"]
        modes = [m.removesuffix("_token").removesuffix("_tokens") for m in modes]
    chosen: Sequence[str] = [modes] if isinstance(modes, str) else list(modes)
    if len(chosen) != 1 or chosen[0] not in _POOLINGS:
        raise files.refusal(
            f"pools its tokens by {' and '.join(chosen)}, which the lab does not know",
            "set pooling to cls, mean, max or last, or choose another encoder",
        )
    return _POOLINGS[chosen[0]]


def _prompt(knob: str, settings: Mapping[str, Any], names: Sequence[str]) -> str:
    """What the knob says, else the folder's prompt of one of these names, else its usual one."""
    if knob:
        return "" if knob == NOTHING else knob
    prompts = settings.get("prompts")
    prompts = prompts if isinstance(prompts, Mapping) else {}
    named = [*names, str(settings.get("default_prompt_name"))]
    return next((str(prompts[name]) for name in named if prompts.get(name) is not None), "")


def _refuse_unread_prompt(files: _Files, modules: Mapping[str, str], reading: Reading) -> None:
    """DataError where the pooling leaves out the tokens of a prompt that is put before a text."""
    if "Pooling" not in modules or not (reading.query_prompt or reading.ad_prompt):
        return
    if files.read(f"{modules['Pooling']}/config.json").get("include_prompt") is False:
        raise files.refusal(
            "leaves its prompts out of the pooling (include_prompt), which the lab does not do",
            f"set query_prompt and ad_prompt to {NOTHING}, or choose another encoder",
        )


def _dense(
    files: _Files, modules: Mapping[str, str], reading: Reading
) -> tuple[Reading, Mapping[str, Tensor] | None]:
    """The reading with the dense layer behind the pooling, and that layer's weights."""
    if "Dense" not in modules:
        return reading, None
    place = modules["Dense"]
    settings = files.read(f"{place}/config.json")
    function = str(settings.get("activation_function", "Tanh")).rpartition(".")[2]
    inputs = {"sentence_embedding"} | {
        settings.get(f"module_{side}_name") for side in ("input", "output")
    }
    if function not in _ACTIVATIONS or settings.get("use_residual") or len(inputs - {None}) > 1:
        raise files.refusal(
            f"has a dense layer ({function}) of a kind that the lab does not know",
            "it knows one with tanh or without an activation; choose another encoder",
        )
    path = files.find(f"{place}/{WEIGHTS}")
    if path is None:
        raise files.refusal(
            f"holds its dense layer as a pickle alone ({place}), which may run any code",
            "load it where you trust it and save it again with sentence-transformers",
        )
    try:
        stored = load_file(path)
        weights = {name.removeprefix("linear."): tensor.float() for name, tensor in stored.items()}
        wide = len(weights["weight"])
    except (OSError, KeyError, SafetensorError) as cause:
        raise files.refusal(f"has a damaged dense layer ({cause})", "fetch it again") from cause
    shape: dict[str, Any] = {
        "dense": wide,
        "bias": "bias" in weights,
        "activation": _ACTIVATIONS[function],
    }
    return replace(reading, **shape), weights


def load_reading(folder: Path) -> Reading:
    """The reading that a saved model's card holds; DataError where it holds none."""
    try:
        card = json.loads((folder / MODEL_CARD).read_text(encoding="utf-8"))
        return Reading(**card["reading"])
    except (OSError, KeyError, ValueError, TypeError) as cause:
        raise DataError(
            f"{folder} does not say how its texts are read ({cause}); finish its run first"
        ) from cause


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
