"""Runs of the demo and of the visitor: which are shown, chosen, comparable, and the baseline."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from app import state
from app.services import access
from app.services.runs import search
from app.services.runs.differences import kept_delta
from app.services.runs.entry import Entry
from app.services.runs.names import groups_of, named, names, role_of
from kdcore.evaluation.comparison import Difference
from kdcore.judging.drift import (
    Separation,
    most_validated,
    separate,
    separate_machines,
    separate_validation,
)
from kdcore.metrics.definitions import CATALOG
from kdcore.runs import listing
from kdcore.runs.listing import Row
from kdcore.runs.loss_terms import KINDS
from kdcore.runs.marks import Mark, Marks, starred
from kdcore.runs.speed import Latency

MOST = 50  # runs set side by side
SORTS: Mapping[str, str] = {
    "newest": "Newest first",
    "best": "Best on test first",
    "delta": "Furthest ahead of the baseline",
    "validation": "Best on validation first",
    "title": "By title",
    "group": "Students beside their twins",
    "family": "By family, best first",
    "small": "Fewest parameters first",
}


@dataclass(frozen=True)
class RunsView:
    """All that the parts of the page draw from, made once a rerun.

    shown: after search and tags, in order. chosen: those that the visitor ticked, shown or not.
    apart: by key, why a run's test metric may not be compared with the baseline's. override: the
    visitor lets charts mix them. unfit: by key, why its validation or time, where the open view
    draws it, may not be compared.
    """

    entries: Sequence[Entry]
    shown: Sequence[Entry]
    chosen: Sequence[Entry]
    base: Entry | None
    metric: str
    apart: Mapping[str, tuple[str, ...]]
    override: bool
    unfit: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def delta(self, entry: Entry) -> Difference | None:
        """The stored difference to the baseline in the metric, where the two may be compared."""
        if self.base is None or entry.key == self.base.key or entry.key in self.apart:
            return None
        differences = kept_delta(entry.row, self.base.row)
        return differences.get(self.metric) if differences else None

    @property
    def base_row(self) -> Row | None:
        """The baseline's row, where there is one."""
        return self.base.row if self.base else None

    @property
    def rivals(self) -> list[Entry]:
        """Tested students that may be compared with the baseline; without any, other runs."""
        tested = [e for e in self.weighed if e.role != "teacher"]
        return [e for e in tested if e.role == "student"] or tested

    @property
    def weighed(self) -> list[Entry]:
        """Trained runs that have the test metric and may be compared with the baseline in it."""
        fair = [e for e in self.entries if not (e.key in self.apart or e.scoring)]
        return [e for e in fair if e.value(self.metric) == e.value(self.metric)]

    @property
    def leader(self) -> Entry | None:
        """The best of the rivals in the test metric."""
        return best(self.rivals, self.metric)

    @property
    def charted(self) -> list[Entry]:
        """What a chart may draw: without what does not fit the baseline, unless overridden."""
        entries = self.chosen if len(self.chosen) > 1 else self.shown
        unfair = {} if self.override else {**self.apart, **self.unfit}
        return [e for e in entries if e.key not in unfair]

    @property
    def mixed(self) -> bool:
        """Whether charts hold numbers of different inputs now."""
        return self.override and bool(self.apart or self.unfit)


def entries() -> list[Entry]:
    """Every run of the visitor, newest first, then those of the demo."""
    own, shipped = listing.rows(access.home().runs), listing.rows(access.demo().runs)
    teachers = {name for row in (*own, *shipped) for name in row.run.teachers}
    marks = {} if access.public() else Marks(access.home()).read()
    groups, bundled = groups_of([*own, *shipped]), {row.id for row in shipped}
    listed = []
    for row, mine in [*((r, True) for r in own), *((r, False) for r in shipped)]:
        key = f"own:{row.id}" if mine and row.id in bundled else row.id
        if not mine and (here := Latency.read(row.run, access.home())) is not None:
            row = replace(row, latency=asdict(here))  # its speed on this machine is kept at home
        role, group = role_of(row, teachers), groups.get(row.run.folder, "")
        listed.append(
            Entry(key, row, mine, row.run.shown_title, role, group, marks.get(key, Mark()))
        )
    titles = names([named(e.key, e.row.run) for e in listed if not e.scoring])
    return [replace(e, title=titles.get(e.key, e.title)) for e in listed]


def runs_view() -> RunsView:
    """The page as the present state sets it."""
    now, every = state.now().runs, entries()
    base = baseline(every, now.metric)
    comparable = separate([e.row for e in every], base.row, now.metric) if base else None
    folders = {e.row.run.folder: e.key for e in every}
    selected = picks()
    view = RunsView(
        entries=every,
        shown=(),
        chosen=[e for e in every if e.key in selected],
        base=base,
        metric=now.metric,
        apart={folders[row]: why for row, why in comparable.apart.items()} if comparable else {},
        override=now.mix_inputs,
    )
    view = replace(view, shown=sorted(_matching(every), key=_order(view)))
    of_chosen = len(view.chosen) > 1 and now.tab in ("frontier", "curves")
    chart = view.chosen if of_chosen else view.shown
    drawn = _of_view([e.row for e in chart], base.row) if base else []
    return replace(view, unfit={folders[row]: why for x in drawn for row, why in x.apart.items()})


def _of_view(rows: Sequence[Row], base: Row) -> list[Separation]:
    """What else keeps runs apart in the open view: validation pairs, and machines of times."""
    now, separations = state.now().runs, []
    if now.tab in ("parallel", "curves") or (now.tab == "frontier" and now.quality == "best"):
        separations.append(separate_validation(rows, most_validated(rows, base)))
    if now.tab == "frontier" and now.cost in ("seconds", "p50", "p95"):
        separations.append(separate_machines(rows, base, latency=now.cost != "seconds"))
    return separations


def picks() -> list[str]:
    """Keys of the chosen runs, 50 at most."""
    return [key for key in state.now().runs.selected.split(",") if key][:MOST]


def families() -> list[str]:
    """The families that the visitor filters by; [] for all of them."""
    return [key for key in state.now().runs.families.split(",") if key in KINDS]


def key_of(run_id: str) -> str:
    """What links call a run of the visitor: where a bundled one has its id, it says so."""
    return f"own:{run_id}" if access.demo().run_folder(run_id).is_dir() else run_id


def pick(keys: Sequence[str]) -> None:
    """Choose these runs."""
    state.change(runs={"selected": ",".join(keys[:MOST])})


def baseline(every: Sequence[Entry], metric: str) -> Entry | None:
    """The run of the link, else the starred one, else the best student's twin without a teacher."""
    by_key = {e.key: e for e in every}
    key = state.now().runs.baseline
    if key and key not in by_key:
        state.ignore(f"rbase: no run here is called {key[:60]!r}; another is the baseline")
        state.correct(runs={"baseline": ""})
        key = ""
    if entry := by_key.get(key) or by_key.get(starred({e.key: e.mark for e in every})):
        return entry
    hashes = [e.row.test.data_hash for e in every if metric in e.row.test.metrics]
    common = max(hashes, key=hashes.count, default="")  # the pairs on which most were tested
    tested = [e for e in every if metric in e.row.test.metrics and e.row.test.data_hash == common]
    leader = best([e for e in tested if e.role == "student"], metric)
    twins = [e for e in tested if e.role == "twin"]
    if leader is None:
        return best(twins, metric)
    of_group = [e for e in twins if e.group and e.group == leader.group]
    of_group.sort(key=lambda e: e.row.id != leader.row.run.purpose.twin)
    return next(iter(of_group), None) or best(twins, metric) or leader


def best(candidates: Sequence[Entry], metric: str) -> Entry | None:
    """The run with the best test value of a metric, or None when none has one."""
    tested = [e for e in candidates if e.value(metric) == e.value(metric)]  # nan is not
    sign = 1 if CATALOG[metric].higher_is_better else -1
    return max(tested, key=lambda e: sign * e.value(metric), default=None)


def keep_mark(key: str, **changes: Any) -> None:
    """Keep a star, tags or a note; RunError or ConfigError says why it cannot be kept."""
    if not access.public():
        Marks(access.home()).keep(key, **changes)


def make_baseline(entry: Entry) -> None:
    """Star a run: deltas are to it from now on; in a public showing for this visitor alone."""
    keep_mark(entry.key, star=True)
    state.change(runs={"baseline": entry.key})


def hold_baseline(view: RunsView) -> None:
    """Let the address name a starred baseline: the link says the same after the star has moved."""
    if view.base is not None and view.base.mark.star and not state.now().runs.baseline:
        state.correct(runs={"baseline": view.base.key})


def _matching(every: Sequence[Entry]) -> list[Entry]:
    """The runs that fit search and tags; those that only scored pairs come with a search alone."""
    terms = search.terms(state.now().runs.search)
    tags = {t for t in state.now().runs.tags.split(",") if t}
    fitting = [e for e in every if tags <= set(e.mark.tags) and (terms or not e.scoring)]
    if chosen := families():
        fitting = [e for e in fitting if e.family in chosen]
    return search.matches(fitting, terms)


def _order(view: RunsView) -> Callable[[Entry], Any]:
    """The key of the present order; what has no number comes last."""
    sign = -1 if CATALOG[view.metric].higher_is_better else 1

    def number(value: float | None) -> tuple[bool, float]:
        return (value is None or value != value, value if value is not None else 0.0)

    kinds = list(KINDS)
    orders: dict[str, Callable[[Entry], Any]] = {
        "newest": lambda e: (not e.mine, -e.row.run.created),
        "best": lambda e: number(sign * e.value(view.metric)),
        "delta": lambda e: number(sign * d.delta if (d := view.delta(e)) else None),
        "validation": lambda e: number(-e.row.best.roc_auc if e.row.best else None),
        "title": lambda e: e.title.casefold(),
        "group": lambda e: (e.group == "", e.group, e.role != "student", e.title),
        "family": lambda e: (
            kinds.index(e.family) if e.family in kinds else len(kinds),
            number(sign * e.value(view.metric)),
        ),
        "small": lambda e: number(e.row.parameters),
    }
    return orders[state.now().runs.sort]
