"""What the runs say in one sentence: the best student, by how much, and what that is worth."""

from dataclasses import replace
from pathlib import PurePath

from app import state
from app.kit.texts import number, signed
from app.services.runs import differences
from app.services.runs.entry import Entry
from app.services.runs.listing import RunsView
from kdcore.judging.seeds import Spread
from kdcore.metrics.definitions import CATALOG
from kdcore.metrics.significance import against
from kdcore.runs.listing import Number

_ROLES = {"student": "student", "twin": "labels-only run", "teacher": "teacher"}


def sentence(view: RunsView) -> str:
    """The finding; it follows the metric, the baseline and what was measured."""
    trained = [e for e in view.entries if not e.scoring]
    listed = [e for e in view.shown if not e.scoring]
    runs = "runs"
    if 0 < len(listed) < len(trained):  # search, tags or families leave some out
        view, runs = replace(view, entries=listed), f"runs shown here (of {len(trained):,})"
    name, leader = CATALOG[view.metric].name, view.leader
    if leader is None:
        count = sum(not e.scoring for e in view.entries)
        return f"Of {count:,} {runs}, none has its {name} on the test split measured yet."
    value, rivals = leader.row.test.metrics[view.metric], len(view.rivals)
    data = PurePath(leader.row.run.data).name or "other data"  # without its folder
    chosen = state.now().data_set
    elsewhere = chosen != data.partition(":")[0]
    text = f"These are runs on {data}, not on {chosen}. " if elsewhere else ""
    text += (
        f"Of {len(view.weighed):,} {runs} measured on the test pairs of {data}, the best "
        f"{_ROLES.get(leader.role, 'run')} is {leader.title}: {name} {number(value.value)} "
        f"{interval(value)} on {value.n:,} {value.unit}"
    )
    if rivals > 1:
        text += f" (best of {rivals} on this test set: slightly optimistic)"
    return f"{text}, {_against_base(view, leader)}"


def interval(measured: Number) -> str:
    """A 95 % interval in brackets, or nothing."""
    if measured.low != measured.low or measured.high != measured.high:
        return ""
    return f"[{measured.low:.3f}, {measured.high:.3f}]".replace("-", "−")


def spread_words(value: Spread, runs: int) -> str:
    """How far the seeds of a setting lie apart, or how many of them are measured so far."""
    if not value.n:
        return f"none of {runs} seeds is measured yet"
    left = f" of {runs} so far" if value.n < runs else ""
    if value.n == 1:
        return f"1{left}: {number(value.mean)}"
    ends = f"{number(value.least)} to {number(value.most)}"
    return f"{value.n}{left}: sd {number(value.deviation)}, {ends}"


def _against_base(view: RunsView, leader: Entry) -> str:
    if view.base is None or view.base.key == leader.key:
        return "and it is the baseline itself."
    delta = (differences.shipped_delta(leader.row, view.base.row) or {}).get(view.metric)
    if delta is None:
        return f"its difference to the baseline, {view.base.title}, is not measured yet."
    side = against(delta.verdict, f"the baseline, {view.base.title}")
    return f"{side}: {signed(delta.delta)} [{signed(delta.low)}, {signed(delta.high)}]."
