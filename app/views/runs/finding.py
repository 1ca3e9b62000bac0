"""What the runs say in one sentence: the best student, by how much, and what that is worth."""

from pathlib import PurePath

from app import state
from app.kit.texts import number, signed
from app.services.runs import measured
from app.services.runs.entry import Entry
from app.services.runs.listing import RunsView
from kdcore.judging.seeds import Spread
from kdcore.metrics.definitions import CATALOG
from kdcore.metrics.significance import against
from kdcore.runs.listing import Number

WHO = {"student": "student", "twin": "labels-only run", "teacher": "teacher"}


def sentence(view: RunsView) -> str:
    """The finding; it follows the metric, the baseline and what was measured."""
    name = CATALOG[view.metric].name
    leader = view.leader
    if leader is None:
        every = sum(not e.scoring for e in view.entries)
        return f"Of {every:,} runs, none has its {name} on the test split measured yet."
    held, alike = leader.row.test.metrics[view.metric], len(view.rivals)
    data = _data_name(leader)
    count = f"{_elsewhere(data)}Of {len(view.weighed):,} runs measured on the test pairs of {data}"
    text = (
        f"{count}, the best {WHO.get(leader.role, 'run')} is {leader.title}: {name} "
        f"{number(held.value)} {interval(held)} on {held.n:,} {held.unit}"
    )
    if alike > 1:
        text += f" (best of {alike} on this test set: slightly optimistic)"
    return f"{text}, {_against(view, leader)}"


def _data_name(entry: Entry) -> str:
    """The data set of a run, without the folder that it may lie in."""
    return PurePath(entry.row.run.data).name or "other data"


def _elsewhere(data: str) -> str:
    """A sentence where the runs that follow are of other data than those chosen above."""
    chosen = state.now().data_set
    if chosen == data.partition(":")[0]:
        return ""
    return f"These are runs on {data}, not on {chosen}. "


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


def _against(view: RunsView, leader: Entry) -> str:
    if view.base is None or view.base.key == leader.key:
        return "and it is the baseline itself."
    shipped = measured.shipped_delta(leader.row, view.base.row)
    delta = shipped.get(view.metric) if shipped else None
    if delta is None:
        return f"its difference to the baseline, {view.base.title}, is not measured yet."
    ends = f"[{signed(delta.low)}, {signed(delta.high)}]"
    side = against(delta.verdict, f"the baseline, {view.base.title}")
    return f"{side}: {signed(delta.delta)} {ends}."
