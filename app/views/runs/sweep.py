"""A sweep as a heat map: each cell's value, its difference to its twin, and the verdict."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from math import isfinite

import pandas as pd
import streamlit as st

from app import state
from app.kit import controls
from app.kit.figures import runs as figures
from app.kit.texts import VERDICT_MARKS, md, number, signed
from app.services.answers import teacher_of
from app.services.runs import listing, seeds, sweep
from app.services.runs.entry import Entry
from app.services.runs.listing import RunsView
from app.views.runs.columns import state_of
from app.views.runs.drift import caption, inputs
from kdcore.experiments.sweep import CellResult
from kdcore.judging.drift import Separation
from kdcore.metrics.definitions import CATALOG

NONE_YET = (
    "There is no sweep here yet. A sweep is a grid over settings, each cell a student beside its "
    "twin; start one on the page Distill, or by command, and it appears here as a heat map:"
)
COMMAND = "kdlab sweep --help"


def draw(view: RunsView) -> None:
    """The chooser, the picture, and how many of its verdicts stand."""
    groups = sweep.sweeps(view.entries)
    if not groups:
        st.info(NONE_YET)
        _command(view)
        return
    cells = groups[_choose(groups)]
    table = sweep.table(cells, view.metric)
    _bar(view, cells)
    unlike = sweep.unlike(cells, view.metric)
    if unlike.apart:
        _show_apart(view, unlike)
    out = {folder.name for folder in unlike.apart} if not view.override else set()
    _picture(view, cells, table.cells, out)
    if table.caution:
        st.caption(md(table.caution))
    with st.expander("Start a sweep by command"):
        _command(view)


def _command(view: RunsView) -> None:
    """The command line of a small grid around the run that is open, chosen or best."""
    opened = [e for e in view.entries if e.key == state.now().runs.opened]
    candidates = (*opened, *view.chosen, view.leader, *view.shown)
    commands = ((e, sweep.command(e)) for e in candidates if e is not None)
    entry, line = next(((e, line) for e, line in commands if line), (None, COMMAND))
    if entry is not None:
        st.caption(
            f"Around {md(entry.title)}; open or choose another run in the table to start from that "
            "one. Each --grid names a setting and its values, and all are combined: change them as "
            "you like, and add --detach to run it in the background."
        )
    st.code(line, language="bash", wrap_lines=entry is not None)


def _show_apart(view: RunsView, unlike: Separation) -> None:
    reasons = md(", ".join(f"{reason} ({n})" for reason, n in unlike.reasons().items()))
    if view.override:
        st.warning(f"**Cells of different inputs share these colors:** {reasons}.")
        return
    st.info(
        f"{len(unlike.apart)} of its cells are left blank, measured otherwise than most: "
        f"{reasons}. The switch above the table shows them all the same."
    )


def _choose(groups: dict[str, list[Entry]]) -> str:
    """The group of the sweep that is shown: the link's, else the newest."""
    requested, key = state.now().runs.sweep, "runs_sweep_pick"
    if requested and requested not in groups:
        state.ignore(f"rsweep: no sweep here is called {requested[:60]!r}; the newest is shown")
        state.correct(runs={"sweep": ""})
    group = requested if requested in groups else next(iter(groups))
    st.session_state[key] = group
    st.selectbox(
        "Sweep",
        list(groups),
        format_func=lambda g: f"{groups[g][0].row.run.purpose.sweep} ({len(groups[g])} cells, {g})",
        key=key,
        on_change=lambda: state.change(runs={"sweep": st.session_state[key]}),
        width=430,
    )
    return group


def _bar(view: RunsView, cells: Sequence[Entry]) -> None:
    """Counts of queued, running and finished cells; the buttons that show only these runs."""
    counts = Counter(e.row.state for e in cells)
    others = ", ".join(f"{n} {name}" for name, n in counts.items() if name != "finished")
    finished = f"{counts['finished']} of {len(cells)} cells are finished"
    with st.container(horizontal=True, vertical_alignment="center", key="runs_sweep_bar"):
        st.caption(f"{finished}{others and f'; {others}'}.", width="content")
        st.button(
            "Show its runs alone",
            on_click=_show_only,
            args=(cells,),
            key="runs_sweep_choose",
            help="Searches the table for them and chooses them, so that the other views (side by "
            "side, parallel axes, frontier) draw nothing else. Empty the search to see all runs.",
        )
        if any(path.startswith("student") for path in cells[0].row.run.purpose.changed):
            st.button(
                "Quality by size",
                on_click=_by_size,
                args=(view, cells),
                key="runs_sweep_size",
                icon=":material/show_chart:",
                help="Chooses the cells, their twins and their teacher, and draws quality against "
                "parameters: a line for each family, seeds as bars.",
            )


def _show_only(cells: Sequence[Entry]) -> None:
    listing.pick([e.key for e in cells])
    state.change(runs={"search": f"sweep={cells[0].row.run.purpose.group}", "axis_ranges": ""})


def _by_size(view: RunsView, cells: Sequence[Entry]) -> None:
    """Performance against parameters of a sweep; the twins are the line without a teacher."""
    twins = {row.run.folder for row in seeds.own_twins(view, cells).values()}
    taught_by = {teacher.folder for e in cells[:1] if (teacher := teacher_of(e.row.run))}
    others = [e for e in view.entries if e.row.run.folder in twins | taught_by]
    listing.pick([e.key for e in (*cells, *others)])
    drawn = {"cost": "parameters", "quality": "test", "lines_by_method": True}
    state.change(runs={"tab": "frontier", **drawn})


def _picture(
    view: RunsView, cells: Sequence[Entry], results: Sequence[CellResult], out: Collection[str]
) -> None:
    """The heat map; cells of other inputs (out) are named in it, without a number or a color."""
    states = {e.row.id: state_of(e) for e in cells}
    across, down = axes_of(results)
    name = CATALOG[view.metric].name
    values = list(dict.fromkeys(r.changed.get(across) for r in results))
    if all(isinstance(v, (int, float)) for v in values):  # words stay as they come
        values.sort()
    columns = list(map(str, values))
    at = {(_row(r, down), str(r.changed.get(across))): r for r in results}
    rows = list(dict.fromkeys(row for row, _ in at))
    grid = [[at.get((row, column)) for column in columns] for row in rows]
    figure = figures.heat_map(
        rows,
        columns,
        [[c.value if c and c.run not in out else float("nan") for c in line] for line in grid],
        [[_text(c, out, states) if c else "not in the sweep" for c in line] for line in grid],
        (_short(across), ", ".join(map(_short, down)), name),
        controls.dark(),
    )
    sentence = _sentence([r for r in results if r.run not in out], name)
    around = caption(view, f"Sweep: {name} by {_short(across)}", cells)
    controls.chart(figure, _table(results, name), sentence, "runs_heat", inputs(view), around)
    st.caption(
        f"In a cell: {name} on the test split; then its difference to its twin, the same student, "
        "data and seed without a teacher. ▲ BETTER than its twin, ▼ WORSE, ≈ INCONCLUSIVE; a "
        "verdict in brackets does not survive the correction for many comparisons (false-discovery "
        "rate 5 %)."
    )


def axes_of(results: Sequence[CellResult]) -> tuple[str, list[str]]:
    """The setting with most values goes across, the others down; one at least is needed."""
    paths: dict[str, set[str]] = {}
    for result in results:
        for path, value in result.changed.items():
            paths.setdefault(path, set()).add(str(value))
    across = max(paths, key=lambda p: len(paths[p]), default="")
    return across, [p for p in paths if p != across and len(paths[p]) > 1]


def _row(result: CellResult, down: Sequence[str]) -> str:
    return ", ".join(str(result.changed.get(path)) for path in down)


def _short(path: str) -> str:
    return path.rpartition(".")[2] or path


def _text(cell: CellResult, out: Collection[str], states: Mapping[str, str]) -> str:
    """The text of a cell: its numbers, else the state of its run."""
    if cell.run in out:
        return "other inputs"
    if not isfinite(cell.value):
        text = states.get(cell.run, cell.state)
        return text if cell.state != "finished" else "finished,\nnot evaluated yet"
    text = number(cell.value)
    if isfinite(cell.delta):
        verdict = f"{VERDICT_MARKS.get(cell.verdict, '')} {cell.verdict}"
        stands = cell.stands or cell.verdict == "INCONCLUSIVE"
        text += f"\n{signed(cell.delta)}\n{verdict if stands else f'({verdict})'}"
    return text


def _table(results: Sequence[CellResult], name: str) -> pd.DataFrame:
    paths = list(dict.fromkeys(p for r in results for p in r.changed))
    return pd.DataFrame(
        [
            {
                "run": r.run,
                **{p: str(r.changed.get(p, "")) for p in paths},
                "state": r.state,
                name: r.value,
                "95 % low": r.low,
                "95 % high": r.high,
                "delta to its twin": r.delta,
                "delta low": r.delta_low,
                "delta high": r.delta_high,
                "p": r.p,
                "q, all cells in mind": r.q,
                "verdict against its twin": r.verdict,
                "stands": "yes" if r.stands else "no",
            }
            for r in results
        ]
    )


def _sentence(results: Sequence[CellResult], name: str) -> str:
    values = [r.value for r in results if isfinite(r.value)]
    if not values:
        counts = Counter(r.state for r in results)
        states = ", ".join(f"{n} {state}" for state, n in counts.items())
        return f"{len(results)} cells: {states}; none has its {name} yet."
    return (
        f"{len(values)} of {len(results)} cells have {name}, from {min(values):.3f} to "
        f"{max(values):.3f}; {sum(r.stands for r in results)} verdicts survive the correction for "
        "many comparisons."
    )
