"""Load and check a pretrained encoder from a folder or a hub id, and report replaced parts.

Only safetensors are read and no code of the checkpoint is run. Weights of any type are read as
float32 and must be finite. A checkpoint that cannot work is refused before training.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import torch
from safetensors import SafetensorError, safe_open
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

from kdcore.errors import DataError
from kdcore.hub import local_or_hub, refuse_pickles
from kdcore.labels import LabelScheme
from kdcore.models.pretrained.head import HeadPlan, fit_head, plan_head
from kdcore.models.pretrained.own_head import plan_own_head

PREFIXES = {r"(^|\.)_orig_mod\.": r"\1", r"^module\.": ""}  # of torch.compile, of DataParallel
Stored = tuple[str, tuple[int, ...]]  # the type of a tensor in a file, such as F16; its shape
_ODD = 16  # times as many weights as its files hold make a config another model's


def load_pretrained(source: str, scheme: LabelScheme) -> tuple[Any, tuple[str, ...]]:
    """Load an encoder with a head for these grades; its pooler and its head may be untrained.

    Returns a transformers classifier, and notes on the parts of the checkpoint that were replaced.
    A head of the checkpoint is used where its labels are the grades, in any order. DataError says
    what is wrong with the checkpoint, and what to do.
    """
    place, config, stored = _described(source, source)
    plan = plan_head(config, scheme)
    net, info = _load(source, place, plan.labels)
    lost, inside = _lost(info), f"{net.base_model_prefix}."
    _refuse_torn(source, [key for key in lost if key.startswith(inside)])
    head_lost = [k for k in lost if not k.startswith(inside)]
    has_head = not head_lost or any(not k.startswith(inside) for k, *_ in info["mismatched_keys"])
    head = (
        plan.note if has_head else f"its files hold no head ({head_lost[0]}); it begins untrained"
    )
    notes = (*_notes(stored, info, lost, inside), head)
    fit_head(net, plan, untrained=bool(head_lost))
    return net, tuple(f"{source}: {note}" for note in notes)


def load_encoder(source: str, files: str) -> tuple[Any, tuple[str, ...]]:
    """Load an encoder without a head, and notes on its files; DataError as of load_pretrained.

    source: the name it was given by; files: the folder or hub id where its config.json lies. What
    its files lack of a pooler begins untrained.
    """
    place, _, stored = _described(source, files)
    net, info = _load(source, place)
    _refuse_torn(source, _lost(info))
    return net, tuple(f"{source}: {note}" for note in _notes(stored, info, (), ""))


def described_encoder(folder: Path) -> Any:
    """Build an untrained encoder from the config.json of a saved model; DataError without one."""
    config = _config(str(folder), {"pretrained_model_name_or_path": str(folder)})
    return AutoModel.from_config(config, dtype=torch.float32, trust_remote_code=False)


def load_classifier(
    source: str, place: str, scheme: LabelScheme, labels: str = ""
) -> tuple[Any, HeadPlan, tuple[str, ...]]:
    """Load a ready classifier with its own head, whose rows become the grades where it has several.

    source: its name in sentences; place: where its files lie. labels: see plan_own_head. Returns
    the transformers classifier, what became of its head, and notes. DataError when a weight is
    missing, or when its head does not fit the grades.
    """
    where, config, stored = _described(source, place)
    plan = plan_own_head(source, config, scheme, labels)
    net, info = _load(source, where, plan.labels)
    if lost := _lost(info):
        raise DataError(
            f"{source} is no ready classifier: its files lack {len(lost)} of its weights "
            f"({lost[0]}, ...), which would begin untrained; choose one that was saved with its "
            "head, or fine-tune it: kdlab finetune --model FOLDER"
        )
    if len(scheme) == 2 or not plan.one_logit:
        fit_head(net, plan, untrained=False)
    return net, plan, tuple(_notes(stored, info, (), ""))


def load_kept(folder: Path, classes: int) -> Any:
    """Load the network that a model of the lab saved; DataError when a weight is missing."""
    net, info = _load(folder, _place(str(folder)), classes)
    if lost := _lost(info):
        raise DataError(
            f"{folder} holds no weights for this model ({lost[0]} is missing); finish its run first"
        )
    return net


def refuse_non_numbers(source: str | Path, weights: Mapping[str, torch.Tensor]) -> None:
    """Raise DataError with the first weight that holds NaN or infinity."""
    for name, weight in weights.items():
        wrong = int((~weight.isfinite()).sum()) if weight.is_floating_point() else 0
        if wrong:
            raise DataError(
                f"{source}: its weight {name} holds {wrong:,} values of {weight.numel():,} that "
                "are NaN or infinite, so it cannot be used or trained; take another checkpoint"
            )


def _place(source: str) -> dict[str, Any]:
    """Return where transformers should look: a folder, the hub, or its cache without a hub."""
    path, local = local_or_hub(source)
    return {"pretrained_model_name_or_path": path, "local_files_only": local}


def _described(source: str, files: str) -> tuple[dict[str, Any], Any, dict[str, Stored]]:
    """Where the files are, their config, and what they store, checked for size."""
    place = _place(files)
    folder = Path(place["pretrained_model_name_or_path"])
    refuse_pickles(source, folder)
    config = _config(source, place)
    stored = _stored(folder)
    _refuse_too_large(source, config, stored)
    return place, config, stored


def _refuse_torn(source: str, lost: Sequence[str]) -> None:
    """DataError where the files lack weights of the encoder; a pooler may begin untrained."""
    if encoder := [key for key in lost if "pooler" not in key]:
        raise DataError(
            f"{source} is missing {len(encoder)} weights of its encoder ({encoder[0]}, ...); its "
            "model.safetensors is of another model than config.json: fetch both again"
        )


def _config(source: str, place: Mapping[str, Any]) -> Any:
    try:
        return AutoConfig.from_pretrained(**place, trust_remote_code=False)
    except MemoryError:
        raise
    except Exception as cause:  # a foreign file; its readers may raise anything
        if "trust_remote_code" in str(cause):
            raise DataError(
                f"{source} needs code of its own (auto_map in config.json), which is not run; "
                "choose an encoder that transformers knows without code, such as BERT or ModernBERT"
            ) from cause
        raise _unloadable(source, cause) from cause


def _load(
    source: str | Path, place: Mapping[str, Any], labels: int = 0
) -> tuple[Any, dict[str, Any]]:
    """Load a network in float32, a sequence classifier where it has labels, else the encoder.

    Returns it and transformers' report on loading.
    """
    kind = AutoModelForSequenceClassification if labels else AutoModel
    try:
        net, info = kind.from_pretrained(
            **place,
            **({"num_labels": labels} if labels else {}),
            dtype=torch.float32,
            key_mapping=PREFIXES,
            ignore_mismatched_sizes=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as cause:
        if "can't allocate memory" in str(cause):
            raise
        raise _unloadable(source, cause) from cause
    net.config.__dict__.pop("auto_map", None)  # names code that is not taken along
    refuse_non_numbers(source, dict(net.named_parameters()))
    return net, info


def _unloadable(source: str | Path, cause: Exception) -> DataError:
    reason = " ".join(str(cause).split())[:200] or type(cause).__name__
    return DataError(
        f"{source} is no encoder that transformers can load ({reason}); give a folder with "
        "config.json, model.safetensors and a tokenizer, or a hub id while the hub can be reached"
    )


def _lost(info: Mapping[str, Any]) -> list[str]:
    """Return the weights that the files lack, or hold in another shape."""
    return sorted({*info["missing_keys"], *(key for key, *_ in info["mismatched_keys"])})


def _stored(folder: Path) -> dict[str, Stored]:
    """The type and shape of each tensor in a folder's files, by their headers; {} for a hub id."""
    stored: dict[str, Stored] = {}
    for path in sorted(folder.glob("*.safetensors")) if folder.is_dir() else ():
        try:
            with safe_open(path, framework="pt") as file:
                for key in file.keys():  # noqa: SIM118 - no mapping
                    part = file.get_slice(key)
                    stored[key] = part.get_dtype(), tuple(part.get_shape())
        except (OSError, SafetensorError):  # told when it is loaded
            return {}
    return stored


def _refuse_too_large(source: str, config: Any, stored: Mapping[str, Stored]) -> None:
    """DataError before a model is built that config.json makes larger than can be true."""
    weights = estimated_weights(config)
    count = sum(int(torch.Size(shape).numel()) for _, shape in stored.values())
    if count and weights > _ODD * count + 10**6:
        raise DataError(
            f"{source}: its config.json describes about {weights:,} weights and its files hold "
            f"{count:,}, so they are of two models: fetch both again"
        )
    memory = _memory()
    if 4 * weights > memory:
        raise DataError(
            f"{source}: its config.json describes about {weights:,} weights, "
            f"{4 * weights / 1e9:,.0f} GB, and this machine has {memory / 1e9:,.0f} GB; "
            "choose a smaller encoder"
        )


def estimated_weights(config: Any) -> int:
    """About how many weights a transformer of this config has: its table and its blocks."""
    width = _number(config, "hidden_size")
    inner = _number(config, "intermediate_size") or 4 * width
    layers = _number(config, "num_hidden_groups") or _number(config, "num_hidden_layers")
    table = _number(config, "vocab_size") * (_number(config, "embedding_size") or width)
    return table + layers * width * (4 * width + 2 * inner)


def _number(config: Any, name: str) -> int:
    value = getattr(config, name, 0)
    return value if isinstance(value, int) else 0


def _memory() -> int:
    """Bytes that this process may have at most."""
    total = int(psutil.virtual_memory().total)
    if psutil.LINUX:
        most, _ = psutil.Process().rlimit(psutil.RLIMIT_AS)
        return total if most == psutil.RLIM_INFINITY else min(total, most)
    return total


def _notes(
    stored: Mapping[str, Any], info: Mapping[str, Any], lost: Sequence[str], inside: str
) -> list[str]:
    """Say which names were changed, what of the encoder begins untrained, and what has no place."""
    notes = []
    if halves := [key for key, (kind, _) in stored.items() if kind in ("F16", "BF16")]:
        notes.append(f"{len(halves)} weights are stored in half precision and read as float32")
    if prefixed := sum("_orig_mod." in key or key.startswith("module.") for key in stored):
        written = "the prefix that torch.compile or DataParallel writes"
        notes.append(f"{written} was taken off {prefixed} names")
    if any(key.startswith(inside) for key in lost):  # all that is allowed to be
        notes.append("its files hold no pooler, so the pooler begins untrained")
    if unused := sorted(info["unexpected_keys"]):
        word = "weight has" if len(unused) == 1 else "weights have"
        notes.append(f"{len(unused)} {word} no place here and were left out ({unused[0]}, ...)")
    return notes
