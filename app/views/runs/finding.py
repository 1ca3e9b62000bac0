"""What the runs say in one sentence: the best student, by how much, and what that is worth."""

from dataclasses import replace
from pathlib import PurePath

from app import state
from app.kit.texts import number, signed
from app.services.runs import differences, listing, seeds
from app.services.runs.entry import Entry
from app.services.runs.listing import RunsView
from kdcore.evaluation.comparison import Difference
from kdcore.judging.seeds import Spread
from kdcore.metrics.definitions import CATALOG
from kdcore.metrics.significance import against
from kdcore.runs.listing import Number, Row
from kdcore.runs.store import Run

_ROLES = {"student": "student", "twin": "labels-only run", "teacher": "teacher"}


def sentence(view: RunsView) -> str:
    """The finding; it follows the metric, the baseline and what was measured."""
    trained = [e for e in view.entries if not e.scoring]
    listed = [e for e in view.shown if not e.scoring]
    whole, where = view, ""
    if 0 < len(listed) < len(trained):  # search, tags or families leave some out
        view, where = replace(view, entries=listed), f" shown here (of {len(trained):,})"
    name, leader = CATALOG[view.metric].name, view.leader
    if leader is None:
        count = sum(not e.scoring for e in view.entries)
        lacks = f"its {name} on the test split measured yet"
        if count == 1:
            return f"The only run{where} does not have {lacks}."
        return f"Of {count:,} runs{where}, none has {lacks}."
    value, rivals = leader.row.test.metrics[view.metric], len(view.rivals)
    data = PurePath(leader.row.run.data).name or "other data"  # without its folder
    chosen = state.now().data_set
    elsewhere = chosen != data.partition(":")[0]
    text = f"These are runs on {data}, not on {chosen}. " if elsewhere else ""
    count, role = len(view.weighed), _ROLES.get(leader.role, "run")
    on = f"{where} measured on the test pairs of {data}"
    if count == 1:
        text += f"The only run{on} is {leader.title}, a {role}"
    else:
        text += f"Of {count:,} runs{on}, the best {role} is {leader.title}"
    text += f": {name} {number(value.value)} {interval(value)} on {value.n:,} {value.unit}"
    if rivals > 1:
        kind = "distilled students" if leader.role == "student" else "runs"
        text += f" (best of {rivals} {kind} on this test set: slightly optimistic)"
    twin = seeds.own_twins(whole, [leader]).get(leader.row.run.folder)
    text += f", {_against_twin(view, leader, twin)}{_against_base(view, leader)}"
    return text + _of_next(view, leader, twin)


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


def _against_twin(view: RunsView, leader: Entry, twin: Row | None) -> str:
    """The verdict against its own twin, of the same budget; "" where that is the baseline."""
    if twin is None or (view.base and view.base.row.run.folder == twin.run.folder):
        return ""
    delta = (differences.shipped_delta(leader.row, twin) or {}).get(view.metric)
    return f"{against(delta.verdict, 'its twin')}: {_with_interval(delta)}; " if delta else ""


def _of_next(view: RunsView, leader: Entry, twin: Row | None) -> str:
    """How the second best stands against the best, where their difference is stored."""
    second = listing.best([e for e in view.rivals if e.key != leader.key], view.metric)
    named = {r.run.folder for r in (twin, view.base_row) if r is not None and r is not leader.row}
    if second is None or second.row.run.folder in named:
        return ""
    if delta := (differences.kept_delta(second.row, leader.row) or {}).get(view.metric):
        words = f"{second.title}, is {against(delta.verdict, 'the best')}"
    elif delta := (differences.kept_delta(leader.row, second.row) or {}).get(view.metric):
        words = f"{second.title}: the best is {against(delta.verdict, 'it')}"
    return f" The next, {words}: {_with_interval(delta)}." if delta else ""


def _against_base(view: RunsView, leader: Entry) -> str:
    starred = ", starred in this workspace" if view.base and view.base.mark.star else ""
    if view.base is None or view.base.key == leader.key:
        return f"and it is the baseline itself{starred}."
    base = f"{view.base.title}{starred}"
    delta = (differences.shipped_delta(leader.row, view.base.row) or {}).get(view.metric)
    if delta is None:
        return f"its difference to the baseline, {base}, is not measured yet."
    side = against(delta.verdict, f"the baseline, {base}")
    unequal = _unequal(leader.row.run, view.base.row.run)
    return f"{side}: {_with_interval(delta)}{unequal}."


def _with_interval(delta: Difference) -> str:
    return f"{signed(delta.delta)} [{signed(delta.low)}, {signed(delta.high)}]"


def _unequal(run: Run, base: Run) -> str:
    """That the baseline learned from another number of pairs or epochs, as a part in brackets."""
    pairs = (run.limit, run.transfer) != (base.limit, base.transfer)
    epochs = run.epochs != base.epochs
    if not (run.epochs and base.epochs and (pairs or epochs)):
        return ""
    ours, theirs = _budget(run, pairs, epochs), _budget(base, pairs, epochs)
    return f" (not a fair comparison: the baseline learned {theirs}, this run {ours})"


def _budget(run: Run, pairs: bool, epochs: bool) -> str:
    amount = f"from {run.learned_from:,} pairs" if run.limit else "from all pairs"
    if run.transfer != "train":
        parts = run.transfer.split("+")
        count = sum(run.splits[part].pairs for part in parts if part in run.splits)
        whole = ", whole" if run.limit and "log" in parts else ""
        amount = f"from {count:,} pairs ({' and '.join(parts)}{whole})"
    duration = f"for {run.epochs:g} epoch{'s' * (run.epochs != 1)}"
    return " ".join([amount] * pairs + [duration] * epochs)
