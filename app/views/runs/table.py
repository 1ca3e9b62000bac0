"""The table of runs: search, order, what differs, numbers with intervals, and what to do next."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from math import isnan

import pandas as pd
import streamlit as st

from app import services, state
from app.kit import controls, sections, texts
from app.kit.sections import Section
from app.services.answers import teacher_of
from app.services.runs import listing, seeds
from app.services.runs.entry import Entry
from app.services.runs.listing import MOST, SORTS, RunsView
from app.state.keys import RUNS_GRID
from app.views.runs import columns, missing
from app.views.runs.drift import inputs
from kdcore.errors import LabError
from kdcore.metrics.definitions import CATALOG
from kdcore.runs.loss_terms import KINDS
from kdcore.runs.marks import all_tags

TALLEST = 372  # pixels: ten runs and the head
HELP = (
    "`T=4` finds the runs of temperature 4 alone; so do other settings by their name "
    "(`limit=2000`, `lr=0.001`, `seed=1`, `student=cdssm`) and `state=`, `tag=`, `sweep=`, "
    "`family=feature`. Any "
    "other word is looked for in title, id, note, tags and settings. A run must match all terms."
)

FAMILY_HELP = (
    "The kind of distillation. + means in addition to soft labels (response). Runs whose teacher "
    "is not a single run have their own families: an ensemble, peers that learn together (online), "
    "or the student itself (self). If none is chosen, all runs are shown."
)
NONE_FITS = "No run matches all of these words, tags and families. Remove one."
NO_RUN = "There is no run here yet. The page Distill trains a student, and it appears here."


def draw(view: RunsView) -> None:
    """Controls, the table, and the bar of what can be done with the chosen runs."""
    _controls(view)
    if not view.shown:
        st.info(NONE_FITS if view.entries else NO_RUN)
        return
    folded = seeds.rows_of(view)
    table = columns.table(view, folded, seeds.own_twins(view, view.shown))
    _grid(view, [[e.key for e in each] for each in folded], table)
    _bar(view, folded, table)
    missing.draw(view)
    _follow(view)


def _follow(view: RunsView) -> None:
    """While runs are live, look every few seconds, and draw anew when one changed its state."""
    live = any(e.row.state in ("queued", "running") for e in view.entries)
    states = [(e.key, e.row.state) for e in view.entries]

    def look() -> None:
        if live and [(e.key, e.row.state) for e in listing.entries()] != states:
            st.rerun()

    st.fragment(look, run_every=3.0 if live else None)()


def _is_offered(metric: str, view: RunsView) -> bool:
    """Gains of its own are those of a few data sets: offered where a run was tested on one."""
    definition = CATALOG[metric]
    if definition.over == "ranked_own" and metric != view.metric:
        return any(not isnan(entry.value(metric)) for entry in view.entries)
    return definition.kind != "ceiling"


def _controls(view: RunsView) -> None:
    metrics = {k: CATALOG[k].name for k in CATALOG if _is_offered(k, view)}
    tags = all_tags(e.mark for e in view.entries)
    with st.container(horizontal=True, vertical_alignment="bottom", key="runs_controls"):
        controls.bound(st.text_input, "runs.search", "Search", placeholder="T=4", help=HELP)
        if tags or state.now().runs.tags:
            _tags(tags)
        controls.select("runs.metric", "Test metric", metrics, width=190)
        controls.select("runs.sort", "Order", SORTS, width=250)
        help = "Hides settings that are the same in all shown runs."
        controls.bound(st.toggle, "runs.differing_only", "Only what differs", help=help)
        help = "Runs that differ in their seed alone are one row with their spread."
        controls.bound(st.toggle, "runs.fold_seeds", "Fold seeds", help=help)
    _families(view)


def _tags(tags: Sequence[str]) -> None:
    key, chosen = "runs_tags", [tag for tag in state.now().runs.tags.split(",") if tag]
    st.session_state[key] = chosen
    st.multiselect(
        "Tags",
        sorted({*tags, *chosen}, key=str.casefold),  # a tag of a link may be in use no more
        key=key,
        on_change=lambda: state.change(runs={"tags": ",".join(st.session_state[key])}),
        width=200,
    )


def _families(view: RunsView) -> None:
    """The families of the runs here; those chosen are shown alone."""
    chosen = listing.families()
    counts = Counter(e.family for e in view.entries if e.family)
    present = [key for key in KINDS if counts[key] or key in chosen]
    if len(present) < 2:
        return
    key = "runs_families"
    st.session_state[key] = chosen
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.caption("Family", width="content", help=FAMILY_HELP)
        st.pills(
            "Family",
            present,
            selection_mode="multi",
            format_func=lambda family: f"{KINDS[family]} · {counts[family]}",
            key=key,
            label_visibility="collapsed",
            on_change=lambda: state.change(runs={"families": ",".join(st.session_state[key])}),
        )


def _grid(view: RunsView, keys: Sequence[Sequence[str]], table: pd.DataFrame) -> None:
    """keys: of the runs in each row."""
    sections.put("runs", lambda: Section("Runs shown", (), table))
    key, chosen = _key(keys), set(listing.picks())
    rows = [i for i, row in enumerate(keys) if not chosen.isdisjoint(row)]
    st.dataframe(
        columns.written(table),
        key=key,
        hide_index=True,
        width="stretch",
        height=min(TALLEST, 38 + 35 * len(table)),
        column_config=columns.config(view, table),
        selection_mode="multi-row",
        selection_default={"selection": {"rows": rows}},
        on_select=partial(_select, key, keys),
        placeholder="",
        alt=f"Table of {len(table)} runs with settings, validation, test and difference.",
    )


def _key(keys: Sequence[Sequence[str]]) -> str:
    """The table's key, which changes when something else than the table chose runs.

    What a visitor does in a table must not make a new table: its scroll and focus would be lost.
    """
    turn, seen = st.session_state.get(RUNS_GRID, (0, state.now().runs.selected))
    turn += seen != state.now().runs.selected
    st.session_state[RUNS_GRID] = (turn, state.now().runs.selected)
    return f"runs_grid_{turn}_{hash(str(keys)) & 0xFFFFFFFF:x}"


def _select(key: str, keys: Sequence[Sequence[str]]) -> None:
    rows = [r for r in st.session_state[key]["selection"]["rows"] if 0 <= r < len(keys)]
    here = {k for row in keys for k in row}
    before = listing.picks()
    hidden = [k for k in before if k not in here]  # chosen before a search hid them
    # a row of several seeds may be chosen in part: only a fresh box chooses all of them
    picked = [k for r in rows for k in ([k for k in keys[r] if k in before] or keys[r])]
    listing.pick([*hidden, *picked])
    if fresh := [k for k in picked if k not in before]:
        state.change(runs={"opened": fresh[-1]})
    turn, _ = st.session_state[RUNS_GRID]
    st.session_state[RUNS_GRID] = (turn, state.now().runs.selected)


def _bar(view: RunsView, rows: Sequence[Sequence[Entry]], table: pd.DataFrame) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="runs_bar"):
        st.caption(_count(view), width="content")
        if view.chosen:
            st.button("Choose none", on_click=listing.pick, args=([],), key="runs_none")
        else:
            first = [e.key for e in view.shown[:MOST]]
            st.button(
                f"Select all {len(first)}",
                on_click=listing.pick,
                args=(first,),
                key="runs_choose",
                help="The box before a run chooses it alone.",
            )
        _baseline(view)
        _compare(view)
        st.download_button(
            "CSV",
            lambda: texts.csv(columns.exported(view, rows, table), inputs(view)).encode(
                "utf-8", "backslashreplace"
            ),
            file_name="runs.csv",
            mime="text/csv",
            on_click="ignore",
            key="runs_csv",
            help="The table with full numbers, the ends of intervals in columns of their own, and "
            "the content hashes of its data.",
        )


def _baseline(view: RunsView) -> None:
    run = view.chosen[0] if len(view.chosen) == 1 else None
    tested = run is not None and bool(run.row.test.metrics)
    pressed = st.button(
        "Make it the baseline",
        icon=":material/star:",
        disabled=not tested,
        key="runs_star",
        help="Choose one run whose test is measured. Differences are to the baseline.",
    )
    if pressed and run is not None:
        try:
            listing.make_baseline(run)
        except (LabError, OSError) as cause:
            st.error(texts.md(str(cause)))
            return
        st.rerun()


def _count(view: RunsView) -> str:
    every = [e for e in view.entries if not e.scoring or e in view.shown]
    text = f"{len(view.shown):,} runs"
    if len(view.shown) < len(every):
        text = f"{len(view.shown):,} of {len(every):,} runs"
    if folded := len(view.entries) - len(every):
        text += f"; {folded} {'scoring is' if folded == 1 else 'scorings are'} folded away"
        text += ", a search for stage=infer shows them"
    if view.chosen:
        text += f", {len(view.chosen)} chosen"
    return text + (f" (at most {MOST})" if len(view.chosen) >= MOST else "")


def _compare(view: RunsView) -> None:
    """One or two runs go to Compare, with their teacher, when they answered pairs that are here."""
    goal, why = _destination(view.chosen)
    if st.button(
        "Open in Compare",
        icon=":material/compare_arrows:",
        disabled=not goal,
        key="runs_compare",
        help=why or "The chosen runs pair by pair, with their teacher.",
    ):
        state.stand_on(**goal, entry=False)
        st.switch_page("views/compare/page.py")
    if view.chosen and not goal:
        st.caption(f"Open in Compare: {why}", width="content")


def _destination(chosen: Sequence[Entry]) -> tuple[dict[str, str], str]:
    """The data and the models under which Compare opens, or why it cannot."""
    if not 1 <= len(chosen) <= 2:
        return {}, "Choose one or two runs."
    folders = [e.row.run.folder for e in chosen]
    for choice in services.data_choices():
        sources = services.sources_on(services.pairs_of(choice))
        # by folder, as an id may stand for two
        keys = {s.run.folder: s.key for s in sources if s.run is not None}
        if all(folder in keys for folder in folders):
            roles = zip(("student", "rival"), (keys[folder] for folder in folders), strict=False)
            goal = {"data_set": choice.key, **dict(roles)}
            teacher = teacher_of(chosen[0].row.run)
            if teacher is not None and teacher.folder in keys:
                goal["teacher"] = keys[teacher.folder]
            return goal, ""
    return {}, "The pairs that these runs scored are not a data set of this lab."
