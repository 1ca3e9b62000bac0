"""The model card of a run: README.md and provenance.json in its folder."""

import platform
from importlib.metadata import version
from typing import Any

import torch

from kdcore.config import DistillConfig, FinetuneConfig, to_yaml
from kdcore.data.pairs import PairTable
from kdcore.runs.machine import machine_mark
from kdcore.runs.store import Run
from kdcore.training.devices import pick_device
from kdcore.workspace import write_json_atomic, write_text_atomic

SPLITS = ("train", "log", "validation", "test")


def write_card(config: FinetuneConfig | DistillConfig, pairs: PairTable, run: Run) -> None:
    """Say what was trained on what, by which code, and how well it did on validation."""
    facts = provenance(pairs, config.seed) | made_on(config.device) | {"notes": run.notes}
    write_json_atomic(run.folder / "provenance.json", facts)
    model = config.model if isinstance(config, FinetuneConfig) else config.student
    taught = f", taught by {config.teacher}" if isinstance(config, DistillConfig) else ""
    best = _best(run)
    lines = [
        f"# {run.id}",
        "",
        f"{model.name}, {config.stage} on {pairs.name}{taught}.",
        "",
        f"Data: {pairs.source or 'no source was given'}",
        *(f"- {split}: {n:,} pairs, hash {hash_}" for split, (n, hash_) in facts["pairs"].items()),
        *(f"- {note}" for note in pairs.notes),
        "",
        f"Validation: {best}. The test split had no part in training or selection.",
        "",
        *(f"- {note}" for note in run.notes),
        *([""] if run.notes else []),
        "Limits: measured on these pairs alone, not on other languages, markets or times.",
        "",
        "```yaml",
        to_yaml(config).rstrip(),
        "```",
    ]
    write_text_atomic(run.folder / "README.md", "\n".join(lines) + "\n")


def provenance(pairs: PairTable, seed: int) -> dict[str, Any]:
    """Content hashes of the splits, the seed, and the versions of the code."""
    splits = {s: pairs.split(s) for s in SPLITS if s in pairs.splits}
    return {
        "pairs": {s: (len(p), p.content_hash) for s, p in splits.items()},
        "seed": seed,
        "kdlab": version("kdlab"),
        "torch": torch.__version__,
        "transformers": version("transformers"),
        "python": platform.python_version(),
    }


def made_on(device: str) -> dict[str, str]:
    """What decides speed, so that the run can tell how long another will take; no names."""
    where = pick_device(device)
    title = f":{torch.cuda.get_device_name(where)}" if where.type == "cuda" else ""
    return {"machine": machine_mark(), "device": f"{where.type}{title}"}


def _best(run: Run) -> str:
    """The validation of the step that was kept."""
    lines = run.metrics()
    kept = next((m["kept_step"] for m in reversed(lines) if "kept_step" in m), None)
    for line in lines:
        if line["step"] == kept and "validation_nll" in line:
            return (
                f"NLL {line['validation_nll']:.4f}, ROC-AUC {line['validation_roc_auc']:.4f} "
                f"after step {int(line['step'])}"
            )
    return "not measured"
