"""A teacher's answers on a log that are stored in shards: the sets that are stored, to choose."""

from datetime import datetime

import streamlit as st

from app.kit import forms
from app.kit.forms import Form
from app.kit.texts import counted, file_size, md
from app.services import access, draft
from app.services.draft import Draft
from app.services.runs.shards import ShardSet, example, shard_sets
from kdcore.runs.store import RunStore

TITLE = "Stored shards"
SUMMARY = (
    "One run's answers on a whole log, stored before by a command in pieces (shards). The log is "
    "read one shard at a time, so it may be longer than what fits into memory."
)
SETTINGS = ("from_shards", "transfer", "data", "teacher")  # what a set decides
_WIDTH = 4 * forms.WIDTH


def is_on(now: Draft) -> bool:
    """Whether the draft learns from stored shards."""
    return now.at("from_shards") is True


def start(now: Draft) -> None:
    """Let stored shards teach: those of the draft's teacher if there are any, else the newest."""
    usable = [each for each in _sets() if _is_usable(each)]
    mine = [each for each in usable if each.teacher == now.at("teacher")]
    if chosen := next(iter((*mine, *usable)), None):
        _take(now, chosen)
    else:  # the form says how to store some
        draft.change({"from_shards": True, "transfer": "train+log"}, "", "from_shards")


def misfit(now: Draft) -> str:
    """Why no stored shards can teach by the terms and the order of the draft; "" when they can."""
    if is_on(now):
        return ""
    needed: draft.Changed = {"from_shards": True, "transfer": "train+log"}
    needed["teacher"] = next(iter(draft.teachers()), "")
    problems = draft.draft_of(now.preset, now.changed | needed).problems_by_path()
    return next(iter(problems.get("from_shards", ())), "")


def draw(now: Draft, form: Form) -> None:
    """The sets to choose from, those that cannot be chosen, and how to store or finish one."""
    st.caption(f"{TITLE}: {SUMMARY}")
    sets = _sets()
    usable = {f"{n}": each for n, each in enumerate(filter(_is_usable, sets))}
    problems = [*form.problems.get("from_shards", ()), *form.problems.get("teacher", ())]
    with forms.cell("from_shards", {"from_shards": problems}, _WIDTH):
        if usable:
            _choice(now, form, usable)
    if not usable:
        st.info(f"No log is scored in shards here yet: {_how(now)}", icon=":material/database:")
    for each in sets:
        if each.stored.is_finished and each.unusable:
            st.caption(f":material/lock: {_name(each)}: {md(each.unusable)}.")
    for each in sets:
        if not each.stored.is_finished:
            _unfinished(each)


def _sets() -> tuple[ShardSet, ...]:
    return shard_sets(draft.teachers())


def _is_usable(each: ShardSet) -> bool:
    return each.stored.is_finished and not each.unusable


def _choice(now: Draft, form: Form, usable: dict[str, ShardSet]) -> None:
    key, present = "distill_shards", _present(now, usable)
    st.session_state[key] = present
    st.radio(
        "Shards that teach",
        list(usable),
        format_func=lambda name: _name(usable[name]),
        captions=[_size(each) for each in usable.values()],
        key=key,
        disabled=form.closed,
        help="A set holds the answers of one run on one log. The set that you choose decides the "
        "teacher and the data, and lets the student learn from the log.",
        on_change=lambda: _take(now, usable[st.session_state[key]]),
    )


def _present(now: Draft, usable: dict[str, ShardSet]) -> str | None:
    """The set that the draft names; of several that fit, one whose data have the same name."""
    teacher, data = str(now.at("teacher") or ""), str(now.at("data") or "")
    fitting = [
        name
        for name, each in usable.items()
        if each.teacher == teacher and each.stored.answers(each.stored.scoring.run, data)
    ]
    return next((n for n in fitting if usable[n].data == data), next(iter(fitting), None))


def _take(now: Draft, chosen: ShardSet) -> None:
    """Learn from a set: its teacher and data stand in the link, whatever the other pages show."""
    transfer = str(now.at("transfer"))
    settings = {
        "from_shards": True,
        "transfer": transfer if "log" in transfer else "train+log",
        "teacher": chosen.teacher,
        "data": chosen.data,
    }
    draft.change(settings, SETTINGS, "from_shards", draft.FROM_BOARD)


def _name(each: ShardSet) -> str:
    return f"{md(each.title)} on the {md(each.stored.split)} of {md(each.data)}"


def _size(each: ShardSet) -> str:
    """How much a finished set holds, and since when."""
    stored = each.stored
    moment = datetime.fromtimestamp(stored.at).strftime("%Y-%m-%d %H:%M")
    shards = counted(stored.shards, "shard")
    return md(f"{stored.pairs:,} pairs in {shards}, {file_size(stored.size)}, stored {moment}")


def _unfinished(each: ShardSet) -> None:
    """How far a set is, and the command that continues it, unless something works on it."""
    stored = each.stored
    done = f"{stored.scored:,} of {stored.pairs:,} pairs are scored" if stored.pairs else ""
    done = done or "no pair is scored yet"
    if stored.state in ("queued", "running"):
        st.caption(f":material/hourglass_top: {_name(each)}: {done}; it is {stored.state}.")
        return
    st.caption(
        f":material/pause_circle: {_name(each)} is unfinished: {done}. This command continues it:"
    )
    st.code(each.command, language="bash", wrap_lines=True)


def _how(now: Draft) -> str:
    """The command that stores the answers of the draft's teacher, in a sentence."""
    model = draft.teachers().get(str(now.at("teacher") or ""))
    model = model or next(iter(draft.teachers().values()), None)
    if model is None:
        return "train a teacher first, then score a log with it."
    run = RunStore(access.home().runs).reference(model.run)
    command = example(run, str(now.at("data") or ""))
    return f"`{command}` stores the answers of {md(model.title)}."
