"""Why a run has no predictions on a split, and how to get them."""

from kdcore.errors import RunError
from kdcore.runs.record import address
from kdcore.runs.store import Run


def no_predictions(run: Run, split: str) -> RunError:
    """The error for a run that has no predictions on this split, yet or at all."""
    name, state = address(run.folder), run.status().state
    if state == "finished":
        folder = run.predictions_path(split).parent
        splits = ", ".join(sorted(file.stem for file in folder.glob("*.parquet"))) or "none"
        cure = (
            f"it has them on: {splits}; for another split that its data have, score it with "
            f"`kdlab infer {name}` and evaluate the run that this makes"
        )
    else:
        cure = f"finish it with `kdlab runs resume {name}`, or score with `kdlab infer`"
    return RunError(f"{run.id} ({state}) has no predictions on {split!r}; {cure}")
