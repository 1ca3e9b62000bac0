"""Recognize qrels, queries and documents by the names of files, in a folder or a .zip."""

import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from kdcore.data.files.problems import listed, shown_name, unreadable
from kdcore.data.files.streaming import TextFile
from kdcore.data.pairs import SPLITS

Part = Literal["qrels", "queries", "documents"]
_WORDS: dict[Part, set[str]] = {  # tried in this order
    "qrels": {"qrels", "qrel"},
    "queries": {"queries", "query", "topics"},
    "documents": {"corpus", "documents", "docs", "collection", "passages"},
}
_SPLIT_WORDS = {"dev": "validation", "val": "validation", **{name: name for name in SPLITS}}


@dataclass(frozen=True)
class TrecFiles:
    """The files of a data set in TREC's or BEIR's form, one or more of each part."""

    qrels: tuple[TextFile, ...]
    queries: tuple[TextFile, ...]
    documents: tuple[TextFile, ...]

    @property
    def names(self) -> str:
        """The names of all files, for a sentence."""
        return ", ".join(file.name for file in (*self.qrels, *self.queries, *self.documents))


def part_of_name(name: str) -> Part | None:
    """Tell by a file's name, with its folders, which part it is; None for none of them."""
    path = PurePosixPath(name.replace("\\", "/").lower())
    words = set(re.split(r"[^a-z]+", path.name))
    if "qrels" in path.parent.parts[-1:] and path.suffix not in ("", ".md"):
        return "qrels"
    part = next((part for part, names in _WORDS.items() if words & names), None)
    # TREC's own names run words and years together: 2019qrels-pass.txt
    return part or ("qrels" if "qrels" in path.name else None)


def split_of_name(name: str) -> str:
    """The split that a qrels file names: train, test, dev, ...; train where it names none."""
    words = re.split(r"[^a-z]+", PurePosixPath(name).name.lower())
    return next((_SPLIT_WORDS[word] for word in words if word in _SPLIT_WORDS), "train")


def set_down(names: Sequence[str]) -> list[str] | None:
    """Return where uploaded files of these names belong in a folder; None if they are no TREC set.

    An upload comes without its folder: beside queries and documents, other files count as qrels.
    """
    parts = [part_of_name(name) for name in names]
    if not {"queries", "documents"} <= set(parts) or len(names) < len(_WORDS):
        return None
    return [name if part else f"qrels/{name}" for name, part in zip(names, parts, strict=True)]


def is_trec_set(names: Iterable[str]) -> bool:
    """Return whether files of these names are judgements with queries or documents."""
    parts = {part_of_name(name) for name in names}
    return "qrels" in parts and len(parts - {None}) > 1


def is_trec(path: Path) -> bool:
    """Return whether a path is a folder or a .zip of such files."""
    return is_trec_set(_files_in(path))


def trec_files(path: Path) -> TrecFiles | None:
    """Find the files of a data set in a folder or a .zip; None where there are no qrels.

    DataError when qrels lie beside queries without documents, or the reverse.
    """
    files = _files_in(path)
    if not is_trec_set(files):
        return None
    parts: dict[Part, list[TextFile]] = {part: [] for part in _WORDS}
    for name, file in sorted(files.items()):
        if part := part_of_name(name):
            parts[part].append(file)
    if lacking := [part for part, own in parts.items() if not own]:
        what = f"it has no file of {' and '.join(lacking)}; it has {listed(sorted(files))}"
        cure = "add one whose name says so: qrels.txt, queries.tsv, documents.tsv, corpus.jsonl"
        raise unreadable(shown_name(path), what, cure)
    return TrecFiles(*(tuple(parts[part]) for part in _WORDS))


def _files_in(path: Path) -> dict[str, TextFile]:
    """Map the names of a folder's or an archive's files, with their folders, to the files."""
    if path.is_dir():
        paths = {p.relative_to(path): p for p in (*path.glob("*"), *path.glob("qrels/*"))}
        files = {name: p for name, p in paths.items() if p.is_file() and not _hidden(name)}
        return {name.as_posix(): TextFile(p, name.as_posix()) for name, p in files.items()}
    if path.suffix.lower() != ".zip":
        return {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = [i.filename for i in archive.infolist() if not i.is_dir()]
    except (OSError, zipfile.BadZipFile):
        return {}  # reading it as a table then says what is wrong with it
    return {
        name: TextFile(path, shown_name(name), name)
        for name in members
        if not _hidden(PurePosixPath(name))
    }


def _hidden(path: PurePosixPath | Path) -> bool:
    return any(part.startswith((".", "__")) for part in path.parts)
