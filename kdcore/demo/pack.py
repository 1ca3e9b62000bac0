"""A finished run as it is shipped: half-precision weights and the answers of exactly those."""

import shutil
from dataclasses import replace
from pathlib import Path

from kdcore import lab
from kdcore.data.pairs import PairTable
from kdcore.evaluation.evaluate import Evaluation
from kdcore.evaluation.exports import to_json
from kdcore.predictions import Predictions
from kdcore.runs.metric_lines import METRICS
from kdcore.runs.record import CONFIG, Record
from kdcore.runs.store import Run
from kdcore.workspace import Workspace, replacing, write_text_atomic

CARDS = (CONFIG, METRICS, "README.md", "provenance.json")  # a log may name this machine's paths
_ROUNDED = (
    "\nShipped with weights of half precision; every saved prediction and figure is that of the "
    "rounded weights.\nPooled features are stored as one byte each.\n"
)


def round_weights(run: Run) -> None:
    """Give a run's model the numbers that half precision can hold; a second time changes nothing.

    What is taught by this run afterwards, and what is shipped of it, is then one and the same.
    """
    import torch
    from safetensors.torch import load_file, save_file

    from kdcore.predictions import WEIGHTS

    path = run.model_folder / WEIGHTS
    weights = load_file(path)
    half = {name: w.half() if w.is_floating_point() else w for name, w in weights.items()}
    if all(w.dtype == half[name].dtype for name, w in weights.items()):
        return
    for name, w in half.items():
        if not bool(torch.isfinite(w).all()):  # beyond 65,504
            raise ValueError(f"{run.id}: {name} is too large for half precision")
    with replacing(path) as temporary:
        save_file(half, temporary, metadata={"format": "pt"})


def answers(run: Run, pairs: PairTable, cache: Workspace | None = None) -> Predictions:
    """What the run's kept model says about pairs, computed on the CPU in single precision.

    cache: where they are kept, so that a build that was stopped need not ask again.
    """
    if cache is not None:
        return lab.answers(run, pairs, cache, "cpu", "fp32")[0]
    import torch

    from kdcore.models.predict import load_model, predict_table

    model = load_model(run.model_folder)
    return predict_table(model, pairs, torch.device("cpu"), name=run.id, precision="fp32")


def pack(
    run: Run,
    into: Path,
    title: str,
    said: dict[str, Predictions],
    evaluation: Evaluation,
) -> None:
    """Copy a finished run into a folder of the demo under a title, with these answers by split."""
    into.mkdir(parents=True)
    for name in CARDS:
        if (run.folder / name).exists():
            shutil.copyfile(run.folder / name, into / name)
    _say_rounded(into / "README.md")
    # the process that made it means nothing on another machine
    replace(Record.read(run.folder), title=title, pid=None, process_start=None).write(into)
    shutil.copytree(run.model_folder, into / "model", copy_function=shutil.copyfile)
    packed = Run.load(into)
    for split, predictions in said.items():
        predictions.save(packed.predictions_path(split), compact=True)
    write_text_atomic(packed.evaluation_path("test"), to_json(evaluation, indent=None))
    _pack_replay(run, packed)


def _pack_replay(run: Run, packed: Run) -> None:
    """The probe as it is, each moment's answers as small as they go."""
    if not run.replay_folder.is_dir():
        return
    probe = "probe"
    shutil.copytree(run.replay_folder / probe, packed.replay_folder / probe)
    for moment in sorted(run.replay_folder.glob("step-*.parquet")):
        Predictions.load(moment).save(packed.replay_folder / moment.name, compact=True)


def _say_rounded(card: Path) -> None:
    if card.exists():
        write_text_atomic(card, card.read_text(encoding="utf-8") + _ROUNDED)
