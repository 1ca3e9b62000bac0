"""`kdlab index` and `kdlab search`: retrieval with the towers of a run."""

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from kdcore import lab
from kdcore.cli.kit.answer import cell, show, span, table
from kdcore.cli.kit.options import Json, Quiet, RunId
from kdcore.cli.kit.progress import Progress
from kdcore.errors import ConfigError
from kdcore.retrieval.ads import example_queries
from kdcore.workspace import Workspace

if TYPE_CHECKING:
    from kdcore.retrieval.search import Searcher

_DATA = (
    "the data set whose ads are searched: a name, world (20,000 ads), or world:ads=1000000 for more"
)
_RECIPE = (
    "Flat (exact), SQ8 (8 bits), Bits (1 bit), HNSW16 (a graph), IVF1024 (lists) or IVF1024,SQ8; "
    "by default Flat up to 50,000 ads, above it lists"
)
_EFFORT = (
    "lists that are probed (IVF), candidates kept (HNSW) or ads rescored (Bits); more find more "
    "and take longer"
)
Data = Annotated[str, typer.Option("--data", metavar="DATA", help=_DATA)]
Recipe = Annotated[str, typer.Option("--recipe", metavar="RECIPE", help=_RECIPE)]


def index(
    run: RunId,
    data: Data = "world",
    recipe: Recipe = "",
    k: Annotated[int, typer.Option("-k", help="recall is measured on the first k ads")] = 10,
    queries: Annotated[int, typer.Option("--queries", help="queries to measure on, at most")] = 200,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Embed the ads of a data set with a run's towers, index them, and measure recall and time."""
    from kdcore.retrieval.embed import embed_queries
    from kdcore.retrieval.timing import recall_curve

    with Progress(quiet, as_json) as progress:
        searcher = _searcher(run, data, recipe, progress)
        progress.tell("measure")
        typed = example_queries(data, queries, Workspace.default())
        curve = recall_curve(searcher.index, embed_queries(searcher.model, typed), k)
    built = searcher.index
    rows = [
        {
            "effort": point.effort or "exact",
            f"recall@{k} against exact": span(*point.recall[:3]),
            "p50 ms": f"{point.time.p50_ms:.3f}",
            "p95 ms": f"{point.time.p95_ms:.3f}",
            "queries/s in a batch": f"{point.time.per_second:,.0f}",
        }
        for point in curve
    ]
    data_out = {
        "run": searcher.run.id,
        "data": searcher.ads.name,
        "ads": len(searcher.ads),
        "recipe": built.recipe,
        "megabytes": built.megabytes,
        "build_seconds": built.build_seconds,
        "queries": len(typed),
        "k": k,
        "points": [point._asdict() | {"recall": point.recall._asdict()} for point in curve],
        "notes": [searcher.note] if searcher.note else [],
    }
    lines = [
        f"{built.recipe} over {len(searcher.ads):,} ads of {searcher.ads.name}: "
        f"{built.megabytes:.1f} MB, built in {built.build_seconds:.2f} s.",
        _definition(len(typed), min(point.time.n for point in curve)),
        *([f"Note: {searcher.note}"] if searcher.note else []),
    ]
    show(as_json, data_out, table(rows, right=set(rows[0]) - {"effort"}), *lines)


def _definition(queries: int, timed: int) -> str:
    """What recall and time are, for the output of index."""
    return (
        f"Recall: mean over {queries:,} queries with its 95 % interval. Time: from the query's "
        f"vector to the ads, median and 95th percentile of {timed:,} or more single queries."
    )


def search(
    run: RunId,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="what is searched for")],
    data: Data = "world",
    recipe: Recipe = "",
    k: Annotated[int, typer.Option("-k", help="ads to show")] = 10,
    effort: Annotated[int, typer.Option("--effort", help=_EFFORT)] = 0,
    exact: Annotated[bool, typer.Option("--exact", help="compare with every ad")] = False,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where", metavar="COLUMN=VALUE", help="only ads with this value, such as vertical"
        ),
    ] = None,
    block: Annotated[
        str,
        typer.Option("--block", metavar="WORDS", help="no ads with these words; commas between"),
    ] = "",
    teacher: Annotated[
        str | None,
        typer.Option(
            "--teacher", metavar="RUN", help="a run whose score and place of each ad are shown"
        ),
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Find ads for a query with a run's towers, and show how a teacher would order them."""
    from kdcore.retrieval.embed import rescored

    filters = _filters(where or [])
    with Progress(quiet, as_json) as progress:
        searcher = _searcher(run, data, recipe, progress)
        passing = searcher.ads.passing(filters, block)
        ads, note = searcher.search(query, k, effort=effort, passing=passing, exact=exact)
        scores = None
        if teacher:
            ids = np.array([ad.ad for ad in ads], dtype=np.int64)
            (scores,) = rescored(lab.store().get(teacher), [query], [ids], searcher.ads)
    rows: list[dict[str, Any]] = []
    for place, ad in enumerate(ads):
        row = {"place": place + 1, "score": ad.score, "title": ad.title, "ad": ad.ad}
        if scores is not None:
            row |= {"teacher": scores[place], "teacher's place": 1 + sum(scores > scores[place])}
        rows.append(row)
    shown = [{name: cell(value) for name, value in row.items()} for row in rows]
    answer = table(shown, right={"place", "score", "ad", "teacher", "teacher's place"})
    out = {"run": searcher.run.id, "query": query, "found": rows, "note": note}
    show(as_json, out, answer if rows else "No ad was found.", *([f"Note: {note}"] if note else []))


def _filters(where: list[str]) -> dict[str, str]:
    filters = {}
    for text in where:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise ConfigError(f"--where {text!r}: write COLUMN=VALUE, such as vertical=Travel")
        filters[name] = value
    return filters


def _searcher(run: str, data: str, recipe: str, progress: Progress) -> "Searcher":
    from kdcore.retrieval.search import Searcher

    def watch(done: int, total: int) -> None:
        progress.tell(f"embedding {done:,} of {total:,} ads")

    source = lab.store().get(run)
    return Searcher.open(source, data, Workspace.default(), recipe=recipe, watch=watch)
