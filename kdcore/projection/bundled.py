"""The finished maps of the bundled models, so that page Map opens at once: made by `make_bundled`.

A file per comparison under assets/measured/maps, named by the hash of both models' features: after
the demo is built again, the old files match no model, and `kdlab demo build` makes new ones.
"""

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdcore.data.library import WORLD
from kdcore.data.pairs import PairTable
from kdcore.errors import DataError
from kdcore.folder_job import Tell
from kdcore.predictions import Predictions
from kdcore.projection.jobs import Embed
from kdcore.projection.maps import TwoMaps, draw, maps_key
from kdcore.projection.spaces import Space
from kdcore.projection.texts import TextPoints, texts_key
from kdcore.runs.store import Run, RunStore
from kdcore.runs.twins import find_twin
from kdcore.workspace import Workspace

FOLDER = Path(__file__).parents[2] / "assets" / "measured" / "maps"

TEXTS_OF = "twinbert_cos-kd"  # whose queries and ads are drawn, beside its twin's


def bundled_maps(key: str, folder: Path = FOLDER) -> TwoMaps | None:
    """The bundled maps of this key; None where there are none."""
    path = folder / f"{key}.safetensors"
    try:
        return TwoMaps.load(path) if path.is_file() else None
    except DataError:  # of another version: drawn again when needed
        return None


def make_bundled(
    demo: Workspace,
    embed: Embed,
    folder: Path = FOLDER,
    tell: Tell = lambda step, share: None,
    *,
    data: str = WORLD,
    texts_of: str = TEXTS_OF,
    trained: RunStore | None = None,
) -> list[Path]:
    """Draw every student of the demo beside its twin and its teacher, and the texts of one pair.

    Runs without features are left out; files of other models are removed.

    Args:
        embed: see projection.jobs; kdcore.retrieval.embed.embed_texts.
        data: the name of the test pairs in the demo.
        texts_of: the student whose queries and ads are drawn, beside its twin's.
        trained: the demo's runs as they were trained; the moments of `texts_of` and of its twin are
            copied from them, as the demo's replays hold answers alone. None leaves the moments.
    """
    store = RunStore(demo.runs)
    comparisons = [pair for run in store.list() if run.is_distilled for pair in _of(run, store)]
    paths = []
    for place, (left, right) in enumerate(comparisons):
        tell(f"{left.id} and {right.id}", place / (len(comparisons) + 1))
        spaces = space_of(left), space_of(right)
        path = folder / f"{maps_key(*spaces)}.safetensors"
        if not path.is_file():
            draw(*spaces).save(path)
        paths.append(path)
    tell(f"queries and ads of {texts_of}", len(comparisons) / (len(comparisons) + 1))
    student = store.get(texts_of)
    twin = find_twin(student, store.list())
    assert twin is not None
    texts = TextPoints.of(PairTable.load(demo.data / data).split("test"))
    paths.append(_draw_texts((twin, student), texts, embed, folder))
    for old in set(folder.glob("*.safetensors")) - set(paths):
        old.unlink()
    if trained is not None:
        shutil.rmtree(folder / "moments", ignore_errors=True)
        for run in (twin, student):
            _copy_moments(trained.get(run.id).replay_folder, folder / "moments" / run.id)
    return paths


def _draw_texts(runs: tuple[Run, Run], texts: TextPoints, embed: Embed, folder: Path) -> Path:
    """The texts by two towers and by their twin."""
    key = texts_key(runs[0].model_folder, runs[1].model_folder, texts)
    path = folder / f"{key}.safetensors"
    if not path.is_file():
        one, other = (
            Space(embed(run.folder, texts.queries, texts.ads), run.shown_title) for run in runs
        )
        draw(one, other, keep_neighbors=True).save(path)
    return path


def _copy_moments(replay: Path, folder: Path) -> None:
    """Copy the moments of a run that hold features."""
    folder.mkdir(parents=True)
    for path in sorted(replay.glob("step-*.parquet")):
        if Predictions.load(path).features is not None:
            shutil.copyfile(path, folder / path.name)


def _features(run: Run, split: str = "test") -> NDArray[np.float32] | None:
    return Predictions.load(run.folder / "predictions" / f"{split}.parquet").features


def space_of(run: Run, split: str = "test") -> Space:
    """The features of a run's pairs; DataError where it stored none."""
    features = _features(run, split)
    if features is None:
        raise DataError(f"{run.id} stored no features of its {split} split; score it again")
    return Space(features, run.shown_title)


def _of(student: Run, store: RunStore) -> list[tuple[Run, Run]]:
    """A student beside its twin and beside its teacher, as far as all have features."""
    if _features(student) is None:  # a label-aware one, which the demo ships without them
        return []
    others = [find_twin(student, store.list()), store.get(Path(student.teacher).name)]
    return [(other, student) for other in others if other and _features(other) is not None]
