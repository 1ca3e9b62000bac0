"""Pack a finished run for shipping: half-precision weights and the predictions of these weights."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from kdcore import lab
from kdcore.data.pairs import PairTable
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
    """Round a run's weights to half precision; a second time, or without a model, nothing changes.

    The model that later teaches students is then exactly the one that is shipped.
    """
    import torch
    from safetensors.torch import load_file, save_file

    from kdcore.predictions import WEIGHTS

    path = run.model_folder / WEIGHTS
    if not path.is_file():
        return
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
    """Predict pairs with the run's model, on the CPU in single precision.

    cache: where predictions are stored, so that a stopped build does not compute them again.
    """
    if cache is not None:
        return lab.answers(run, pairs, cache, "cpu", "fp32")[0]
    import torch

    from kdcore.models.build import load_model
    from kdcore.models.predict import predict_table

    model = load_model(run.model_folder)
    return predict_table(model, pairs, torch.device("cpu"), name=run.id, precision="fp32")


def pack(run: Run, folder: Path, title: str, predictions_of: Mapping[str, Predictions]) -> None:
    """Copy a finished run into a folder of the demo under a title, with predictions by split."""
    pack_cards(run, folder, title)
    if (card := folder / "README.md").exists():
        write_text_atomic(card, card.read_text(encoding="utf-8") + _ROUNDED)
    shutil.copytree(run.model_folder, folder / "model", copy_function=shutil.copyfile)
    packed = Run.load(folder)
    for split, predictions in predictions_of.items():
        predictions.save(packed.predictions_path(split), compact=True)
    if run.replay_folder.is_dir():
        shutil.copytree(run.replay_folder / "probe", packed.replay_folder / "probe")
        for moment in sorted(run.replay_folder.glob("step-*.parquet")):
            shown = replace(Predictions.load(moment), features=None)  # which are for a map
            shown.save(packed.replay_folder / moment.name, compact=True)


def pack_cards(run: Run, folder: Path, title: str) -> None:
    """Copy what describes a finished run, and nothing that it made."""
    folder.mkdir(parents=True)
    for name in CARDS:
        if (run.folder / name).exists():
            shutil.copyfile(run.folder / name, folder / name)
    # the process that carried it out has no meaning on another machine
    replace(Record.read(run.folder), title=title, pid=None, process_start=None).write(folder)
