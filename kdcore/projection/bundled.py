"""The finished maps of the bundled models, so that page Map opens at once: made by `make_bundled`.

A file per comparison under assets/measured/maps, named by the hash of both models' features: after
the demo is built again, the old files match no model, and this makes new ones.
"""

import shutil
from pathlib import Path

from kdcore.data.library import WORLD
from kdcore.data.pairs import PairTable
from kdcore.errors import DataError
from kdcore.folder_job import Tell
from kdcore.predictions import Predictions
from kdcore.projection.jobs import Embed
from kdcore.projection.maps import TwoMaps, draw, maps_key
from kdcore.projection.moments import moments_of
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
    demo: Workspace, embed: Embed, folder: Path = FOLDER, tell: Tell = lambda step, share: None
) -> list[Path]:
    """Draw every student of the demo beside its twin and its teacher, and the texts of one pair.

    Other files are removed. embed: see projection.jobs; kdcore.retrieval.embed.embed_texts.
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
    tell(f"queries and ads of {TEXTS_OF}", len(comparisons) / (len(comparisons) + 1))
    paths.append(_draw_texts(store.get(TEXTS_OF), store, demo, embed, folder))
    for old in set(folder.glob("*.safetensors")) - set(paths):
        old.unlink()
    if moments_of(store.get(TEXTS_OF).replay_folder, TEXTS_OF):
        shutil.rmtree(folder / "moments", ignore_errors=True)  # the demo has its own
    return paths


def _draw_texts(student: Run, store: RunStore, demo: Workspace, embed: Embed, folder: Path) -> Path:
    """The queries and ads of the test pairs by two towers and their twin."""
    twin = find_twin(student, store.list())
    assert twin is not None
    texts = TextPoints.of(PairTable.load(demo.data / WORLD).split("test"))
    key = texts_key(twin.model_folder, student.model_folder, texts)
    path = folder / f"{key}.safetensors"
    if not path.is_file():
        vectors = [embed(run.folder, texts.queries, texts.ads) for run in (twin, student)]
        one, other = Space(vectors[0], twin.shown_title), Space(vectors[1], student.shown_title)
        draw(one, other, keep_neighbors=True).save(path)
    return path


def space_of(run: Run, split: str = "test") -> Space:
    """The features of a run's pairs; DataError where it stored none."""
    features = Predictions.load(run.folder / "predictions" / f"{split}.parquet").features
    if features is None:
        raise DataError(f"{run.id} stored no features of its {split} split; score it again")
    return Space(features, run.shown_title)


def _of(student: Run, store: RunStore) -> list[tuple[Run, Run]]:
    """A student beside its twin and beside its teacher, as far as the demo has them."""
    others = [find_twin(student, store.list()), store.get(Path(student.teacher).name)]
    return [(other, student) for other in others if other is not None]
