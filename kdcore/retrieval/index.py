"""AnnIndex: approximate search with faiss, and exact search where it is the better answer.

Measured on the world (2 cores): an exhaustive product serves 50,000 ads in under a millisecond, so
an index is worth its cost above that size only. Filters lose recall silently in every approximate
index: where 10 % of the ads pass, 64 neighbors of a graph keep 0.88 of the best ten; where 1 %
pass, 0.37. So a search below `FEWEST_PASSING` is exact over the passing ads, and says so.
"""

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.errors import ConfigError, DataError
from kdcore.retrieval.exact import MISSING, Ids, best_first, cosines_of, exact_top
from kdcore.retrieval.vectors import AdVectors, Vectors
from kdcore.workspace import new_folder, read_json, write_json_atomic

FLAT_UP_TO = 50_000  # ads that are searched exhaustively by default
FEWEST_PASSING = 0.1  # share of ads; below it a filtered search is exact over the passing ads
RECIPES = "Flat, SQ8, Bits, HNSW16, IVF1024 or IVF1024,SQ8"
_RECIPE = re.compile(r"Flat|SQ8|Bits|HNSW([1-9]\d?)|IVF([1-9]\d{0,5})(,SQ8)?")
_CARD, _FILE = "index.json", "index.faiss"
_BUILD_EFFORT = 200  # efConstruction of a graph
_EFFORTS = {
    "IVF": (1, 4, 16, 64, 128),
    "HNSW": (16, 32, 64, 128, 256),
    "Bits": (20, 40, 100, 400, 1600),
}
_USUAL = {
    "IVF": 64,
    "HNSW": 128,
    "Bits": 400,
}  # measured: recall@10 of 0.98 and more on the world's ads


@dataclass(frozen=True)
class Hits:
    """What a search found: ids and cosines, best first, (queries, k); -1 and -inf beyond the last.

    note: a sentence where the search was done in another way than requested, else "".
    """

    ids: Ids
    scores: Vectors
    note: str = ""


def usual_recipe(ads: int) -> str:
    """Flat up to 50,000 ads; above, an inverted file of 4 sqrt(n) lists, a power of two."""
    if ads <= FLAT_UP_TO:
        return "Flat"
    return f"IVF{2 ** round(np.log2(4 * np.sqrt(ads)))}"


def kind_of(recipe: str) -> str:
    """Flat, SQ8, Bits, HNSW or IVF; ConfigError for a recipe that is not offered."""
    if not _RECIPE.fullmatch(recipe):
        raise ConfigError(f"recipe: {recipe!r} is not a kind of index; write {RECIPES}")
    return next(kind for kind in ("Flat", "SQ8", "Bits", "HNSW", "IVF") if recipe.startswith(kind))


def efforts(recipe: str) -> tuple[int, ...]:
    """The efforts at which a recall curve is measured; () where there is one way to search."""
    return _EFFORTS.get(kind_of(recipe), ())


@dataclass(frozen=True)
class AnnIndex:
    """An index of the vectors of ads; `search` is the same call for every recipe.

    effort: lists that are probed (IVF), neighbors that are kept in view (HNSW, efSearch), or ads
    whose float cosines order them (Bits: of the ads whose signs differ least from the query's).
    """

    vectors: AdVectors
    recipe: str
    build_seconds: float
    library: Any  # the index of faiss

    @classmethod
    def build(cls, vectors: AdVectors, recipe: str = "") -> "AnnIndex":
        """Build an index of a recipe, by default the usual one; equal vectors give equal bytes.

        ConfigError where the recipe is not known or needs more ads than there are.
        """
        recipe = recipe or usual_recipe(len(vectors))
        kind, faiss = kind_of(recipe), _faiss()
        lists = int(recipe[3:].split(",")[0]) if kind == "IVF" else 0
        if lists > len(vectors):
            raise ConfigError(
                f"recipe: {recipe} makes {lists:,} lists of {len(vectors):,} ads; "
                f"use at most IVF{len(vectors)}, or Flat"
            )
        if kind == "Bits":
            return cls._of_bits(vectors)
        width = vectors.vectors.shape[1]
        text = f"{recipe},Flat" if kind == "IVF" and "SQ8" not in recipe else recipe
        index = faiss.index_factory(width, text, faiss.METRIC_INNER_PRODUCT)
        if kind == "HNSW":
            index.hnsw.efConstruction = _BUILD_EFFORT
        if kind == "IVF":
            index.cp.min_points_per_centroid = 1  # no warning on small corpora
        began = time.perf_counter()
        index.train(vectors.vectors)
        index.add(vectors.vectors)
        return cls(vectors, recipe, time.perf_counter() - began, index)

    @classmethod
    def _of_bits(cls, vectors: AdVectors) -> "AnnIndex":
        """One bit per dimension, its sign."""
        began = time.perf_counter()
        codes = np.packbits(vectors.vectors > 0, axis=1)
        index = _faiss().IndexBinaryFlat(8 * codes.shape[1])
        index.add(codes)
        return cls(vectors, "Bits", time.perf_counter() - began, index)

    @property
    def kind(self) -> str:
        """Flat, SQ8, Bits, HNSW or IVF."""
        return kind_of(self.recipe)

    @cached_property
    def megabytes(self) -> float:
        """The size of its file in MB (10^6 bytes), the vectors that it holds included.

        Bits hold no vectors: those that order the nearest ads may stay on a disk.
        """
        serialize = "serialize_index_binary" if self.kind == "Bits" else "serialize_index"
        return float(getattr(_faiss(), serialize)(self.library).nbytes / 1e6)

    def search(
        self,
        queries: Vectors,
        k: int,
        effort: int = 0,
        passing: NDArray[np.bool_] | None = None,
    ) -> Hits:
        """Find the k ads of largest cosine for each of (queries, width) unit vectors.

        effort: 0 takes the usual one. passing: (ads,) which ads may be found. A filter that few
        ads pass is searched exactly; one that more pass widens the effort by their share.
        """
        if k < 1:
            raise ConfigError(f"k: {k} ads cannot be found; use 1 or more")
        if self.recipe == "Flat":
            return Hits(*exact_top(self.vectors.vectors, queries, k, passing))
        share = 1.0 if passing is None else float(passing.mean())
        if share < FEWEST_PASSING:
            note = "the ads that pass were searched exactly: an index loses many of so few"
            return Hits(*exact_top(self.vectors.vectors, queries, k, passing), note)
        if self.kind == "Bits":
            return self._search_bits(queries, k, effort, passing)
        faiss, filtering = _faiss(), {}
        if passing is not None:
            bits = np.packbits(passing, bitorder="little")  # read by the search below
            filtering["sel"] = faiss.IDSelectorBitmap(len(passing), faiss.swig_ptr(bits))
        wide = int(np.ceil((effort or _USUAL.get(self.kind, 0)) / share))
        scores, ids = self.library.search(
            np.ascontiguousarray(queries, dtype=np.float32),
            min(k, len(self.vectors)),
            params=self._parameters(wide, k, filtering),
        )
        return _in_order(ids, scores, k)

    def _search_bits(
        self, queries: Vectors, k: int, effort: int, passing: NDArray[np.bool_] | None
    ) -> Hits:
        if passing is not None:
            note = "bits cannot be filtered: the ads that pass were searched exactly"
            return Hits(*exact_top(self.vectors.vectors, queries, k, passing), note)
        depth = min(max(k, effort or _USUAL["Bits"]), len(self.vectors))
        codes = np.packbits(queries > 0, axis=1)
        ids = self.library.search(codes, depth)[1]
        hits = _in_order(ids, cosines_of(ids, self.vectors.vectors, queries), k)
        return Hits(hits.ids[:, :k], hits.scores[:, :k])

    def _parameters(self, wide: int, k: int, filtering: Mapping[str, Any]) -> Any:
        """What faiss reads of a search: its effort, and a filter where there is one."""
        faiss = _faiss()
        if self.kind == "IVF":
            return faiss.SearchParametersIVF(nprobe=min(wide, self.library.nlist), **filtering)
        if self.kind == "HNSW":
            return faiss.SearchParametersHNSW(efSearch=max(wide, k), **filtering)
        return faiss.SearchParameters(**filtering)

    def save(self, folder: Path) -> None:
        """Write the index and its card into a new folder, completely or not at all."""
        with new_folder(folder, replace=True) as temporary:
            write = "write_index_binary" if self.kind == "Bits" else "write_index"
            getattr(_faiss(), write)(self.library, str(temporary / _FILE))
            card = {
                "recipe": self.recipe,
                "model": self.vectors.model,
                "ads": self.vectors.ads,
                "count": len(self.vectors),
                "build_seconds": self.build_seconds,
                "sha256": _digest(temporary / _FILE),
            }
            write_json_atomic(temporary / _CARD, card)

    @classmethod
    def load(cls, folder: Path, vectors: AdVectors) -> "AnnIndex":
        """Read an index of these vectors that save wrote.

        DataError, before a byte of it is interpreted, where the file is not the one whose hash
        the card holds, or belongs to other vectors.
        """
        card = read_json(folder / _CARD)
        expected = (vectors.model, vectors.ads, len(vectors))
        if (card.get("model"), card.get("ads"), card.get("count")) != expected:
            raise DataError(f"{folder.name} is not an index of these ads and this model; build it")
        path = folder / _FILE
        if not path.is_file() or _digest(path) != card.get("sha256"):
            raise DataError(f"{folder.name}: the index is damaged or incomplete; build it again")
        recipe, seconds = str(card.get("recipe")), float(card.get("build_seconds") or 0.0)
        read = "read_index_binary" if kind_of(recipe) == "Bits" else "read_index"
        return cls(vectors, recipe, seconds, getattr(_faiss(), read)(str(path)))


def stored_index(folder: Path, vectors: AdVectors, recipe: str = "") -> AnnIndex:
    """The index of a recipe in a folder of indexes, built and stored there when it is missing."""
    recipe = recipe or usual_recipe(len(vectors))
    kind_of(recipe)
    place = folder / f"{vectors.key}-{recipe.replace(',', '-')}"
    try:
        return AnnIndex.load(place, vectors)
    except DataError:  # missing, damaged, or of other vectors
        index = AnnIndex.build(vectors, recipe)
        index.save(place)
        return index


def _in_order(ids: Ids, scores: Vectors, k: int) -> Hits:
    """Best first, of equal cosines the lower id first, filled up to k places."""
    scores = np.where(ids < 0, np.float32(-np.inf), scores)
    ids, scores = best_first(ids, scores)
    missing = k - ids.shape[1]
    if missing > 0:
        shape = len(ids), missing
        ids = np.hstack([ids, np.full(shape, MISSING)])
        scores = np.hstack([scores, np.full(shape, -np.inf, np.float32)])
    return Hits(ids.astype(np.int64, copy=False), scores)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _faiss() -> Any:
    try:
        import faiss
    except ImportError:
        raise ConfigError(
            "Approximate search needs faiss: pip install 'kdlab[retrieval]'. Exact search "
            "(recipe Flat) works without it."
        ) from None
    return faiss
