"""The model card of a run: README.md and provenance.json in its folder."""

import platform
from importlib.metadata import version
from typing import Any

import torch

from kdcore.config import DistillConfig, TeachConfig, TrainedConfig, to_yaml
from kdcore.config.teacher import without_folders
from kdcore.data.pairs import PairTable
from kdcore.evaluation.tasks import task_table
from kdcore.runs.machine import machine_mark
from kdcore.runs.metric_lines import saved_validation
from kdcore.runs.store import TEACHER_FILES, Run
from kdcore.training.devices import pick_device
from kdcore.workspace import read_json, write_json_atomic, write_text_atomic

SPLITS = ("train", "log", "validation", "test")
JudgedConfig = TrainedConfig | TeachConfig


def write_model_card(config: JudgedConfig, pairs: PairTable, run: Run) -> None:
    """Say what was trained on what, by which code, and how well it did on validation."""
    facts = _provenance(config, pairs, run) | {"notes": run.notes}
    write_json_atomic(run.folder / "provenance.json", facts)
    model = config.student if isinstance(config, DistillConfig) else config.model
    teacher = (
        f", taught by {without_folders(config.teacher)}"
        if isinstance(config, DistillConfig)
        else ""
    )
    lines = [
        f"# {run.id}",
        "",
        f"{model.checkpoint or model.name}, {config.stage} on {pairs.name}{teacher}.",
        "",
        f"Data: {pairs.source or 'no source was given'}",
        *(f"- {split}: {n:,} pairs, hash {hash_}" for split, (n, hash_) in facts["pairs"].items()),
        *(f"- {note}" for note in pairs.notes),
        "",
        _selected(config, run),
        "",
        *task_table(run.folder),
        *(f"- {note}" for note in run.notes),
        *([""] if run.notes else []),
        "Limits: measured on these pairs alone, not on other languages, markets or times.",
        "",
        "```yaml",
        to_yaml(config).rstrip(),
        "```",
    ]
    write_text_atomic(run.folder / "README.md", "\n".join(lines) + "\n")


def _provenance(config: JudgedConfig, pairs: PairTable, run: Run) -> dict[str, Any]:
    """Content hashes of the splits, the seed, versions of the code, and what decides the speed.

    The mark of the machine names nobody; with it the run can tell how long another will take.
    """
    splits = {split: pairs.split(split) for split in SPLITS if split in pairs.splits}
    device = pick_device(config.device)
    title = f":{torch.cuda.get_device_name(device)}" if device.type == "cuda" else ""
    files = read_json(run.folder / TEACHER_FILES).get("files")
    return {
        **({"teacher_files": files} if files else {}),
        "pairs": {split: (len(part), part.content_hash) for split, part in splits.items()},
        "data": {
            "source": pairs.source,
            "non_commercial": pairs.non_commercial,
            "generated": pairs.generated,
        },
        "seed": config.seed,
        "kdlab": version("kdlab"),
        "torch": torch.__version__,
        "transformers": version("transformers"),
        "python": platform.python_version(),
        "machine": machine_mark(),
        "device": f"{device.type}{title}",
    }


def _selected(config: JudgedConfig, run: Run) -> str:
    """What the labels had a part in."""
    if isinstance(config, TeachConfig):
        return "Nothing was trained here: its weights are those of its author, with their terms."
    return f"Validation: {_best(run)}. The test split had no part in training or selection."


def _best(run: Run) -> str:
    """The validation of the step whose weights were stored."""
    line = saved_validation(run.metrics())
    if not line:
        return "not measured"
    if "validation_masked" in line:
        next_ad = line.get("validation_next_ad_accuracy")
        return (
            f"{line['validation_masked_accuracy']:.1%} of {int(line['validation_words']):,} hidden "
            f"words right, cross-entropy {line['validation_masked']:.4f}"
            + ("" if next_ad is None else f"; {next_ad:.1%} of the next ads right")
            + f"; after step {int(line['step'])}"
        )
    return (
        f"NLL {line['validation_nll']:.4f}, ROC-AUC {line['validation_roc_auc']:.4f} "
        f"after step {int(line['step'])}"
    )
