"""Every choice of a visitor as one frozen dataclass, and the URL that says the same.

state.now().k            the valid value, whatever a link or a browser sent
state.change(k=5)        sets it, and the URL follows
state.open_link(query)   a link's parameters become the state; what cannot be read is named
"""

from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any

import streamlit as st

from app.state.kinds import VERSION, choice, flag, number, numbers, read, show, text, whole
from kdcore.metrics.definitions import CATALOG

_KEY, _IGNORED, _MARKS = "kd_state", "kd_ignored", "kd_marks"
MARKS = ("v", "dh", "rh", "bids")  # parts of a link that are no choice of the visitor's
_OWN_MARKS = "kd_own_marks"
_MARKED = {"data", "teacher", "student", "split"}  # fields that change a link's hashes
_LONGEST = 1800  # characters of a link; a longer state is kept under a hash

TEMPERATURES = (0.25, 20.0)
SWEPT = (
    *("", "method.params.temperature", "method.params.loss", "soft_weight", "hard_weight"),
    *("limit", "training.epochs", "training.learning_rate", "training.batch_size"),
    *("student", "student.params.layers", "seed"),
)


@dataclass(frozen=True)
class State:
    """One visitor's choices; a field's kind holds its default, its bounds and its URL form."""

    # what is looked at, on every page
    data: str = text("world", 100)
    teacher: str = text("", 200)  # "" is the data set's own teacher
    student: str = text("", 200)
    pair: int = whole(-1, -1, 10_000_000)  # row of the primary pair; -1 lets the page choose
    pin: int = whole(-1, -1, 10_000_000)
    rival: str = text("", 200)  # a second student beside the first
    lesson: str = text("", 60)
    step: int = whole(0, 0, 100)
    keys: bool = flag(True)  # single-key shortcuts (WCAG 2.1.4)
    present: bool = flag(False)  # for a projector: larger type, no navigation, no pickers
    hide: str = text("", 200)  # parts that are left out, comma separated; see presenting.py

    # Temperature
    T: float = number(2.0, *TEMPERATURES)
    Ts: float = number(2.0, *TEMPERATURES)  # the student's, when not linked
    linked: bool = flag(True)
    log: bool = flag(False)
    same: bool = flag(False)  # densities end at 100 %, so that temperatures compare
    guess: bool = flag(False)  # the student's label hides until the visitor has guessed it
    ttab: str = choice("numbers", ("numbers", "gradient", "sure", "smoothing", "replay"))
    smoothing: float = number(0.1, 0.0, 0.9)
    moment: int = whole(-1, -1, 10_000)  # of the replay; -1 is the end
    probe: int = whole(0, 0, 1_000_000)

    # Masked word
    sentence: str = text("", 300)
    mask_t: float = number(2.0, *TEMPERATURES)
    mask_log: bool = flag(False)
    mask_few: bool = flag(False)  # the softmax over the shown words only
    mask_same: bool = flag(False)  # all panels on the axis of the longest bar
    mteacher: str = text("", 300)
    mstudent: str = text("", 300)

    # Compare
    ct: float = number(0.5, 0.0, 1.0)
    cs: float = number(0.5, 0.0, 1.0)
    box: tuple[float, ...] = numbers((), 4, 0.0, 1.0)
    find: str = text("", 200)
    tags: str = text("", 400)  # comma separated
    grades: str = text("", 200)
    outcomes: str = text("", 200)
    slice: str = text("", 1200)  # two words of any alphabet, quoted as in an address
    sort: str = text("", 60)
    page: int = whole(1, 1, 1_000_000)
    ctab: str = choice("slices", ("slices", "calibration", "edit", "notes"))
    sagainst: str = choice("teacher", ("teacher", "twin"))  # whose loss slices are set against
    sfewest: int = whole(50, 20, 1000)
    edited: bool = flag(False)  # the three texts below stand for the pair's own
    equery: str = text("", 1000)
    etitle: str = text("", 1000)
    edescription: str = text("", 1000)
    eteacher: bool = flag(False)

    # Ranking
    rtab: str = choice("density", ("density", "ndcg", "lists", "auction"))
    k: int = whole(5, 1, 20)
    gain: str = choice("exp2", ("exp2", "linear"))
    pooled: bool = flag(True)
    rwho: str = choice("student", ("student", "teacher", "twin", "rival"))
    against: str = choice("twin", ("twin", "teacher", "rival", "student"))
    reading: str = choice("points", ("points", "relative", "paper"))
    rskill: bool = flag(False)
    query: int = whole(-1, -1, 10_000_000)
    brush: tuple[float, ...] = numbers((), 2, 0.0, 10_000_000.0)
    qsort: str = choice("lost", ("lost", "gained", "worst", "best", "table"))
    scratch: str = text("", 400)  # the visitor's own order of the query's ads
    w: float = number(0.1, 0.0, 1000.0)
    slots: int = whole(4, 1, 20)
    reserve: float = number(0.0, 0.0, 1000.0)
    pricing: str = choice("second", ("second", "first"))
    ranker: str = choice("student", ("teacher", "student", "twin"))  # whose pDefect ranks
    judge: str = choice("best", ("best", "truth", "teacher", "labels"))  # who counts defects
    edits: str = text("", 600)  # bids and clicks that the visitor wrote over

    # Runs
    rview: str = choice("one", ("one", "diff", "parallel", "frontier", "sweep", "trash"))
    rfind: str = text("", 200)
    rtags: str = text("", 400)  # comma separated; a shown run has all of them
    rsort: str = choice(
        "newest", ("newest", "best", "delta", "validation", "title", "group", "small")
    )
    rmetric: str = choice("roc_auc", tuple(k for k in CATALOG if k != "truth_auc"))
    rdiff: bool = flag(True)  # only settings in which the shown runs differ
    rfold: bool = flag(True)  # runs that differ in their seed alone are one row
    rbase: str = text("", 120)  # the run that deltas are to; "" is the starred one
    rpick: str = text("", 3000)  # chosen runs, comma separated
    ropen: str = text("", 120)  # the run whose details are open
    rover: bool = flag(False)  # runs of other inputs may share charts; a banner stays
    rx: str = choice("parameters", ("parameters", "megabytes", "p50", "p95", "seconds"))
    ry: str = choice("test", ("test", "best"))
    rpaper: bool = flag(False)  # lines by way of training, as in the internal-KD paper
    rbrush: str = text("", 600)  # ranges on the parallel axes: axis:low:high;...
    rsweep: str = text("", 200)  # the sweep whose cells are drawn

    # Watching a run
    wstep: int = whole(-1, -1, 10_000_000)  # the step that is shown; -1 is the newest
    wmetric: str = choice("roc_auc", ("roc_auc", "nll"))

    # Data
    split: str = text("", 20)
    dtab: str = choice("standing", ("standing", "teacher", "bring", "score"))
    dcard: str = text("", 20)  # the card whose rows are open
    dpage: int = whole(1, 1, 1_000_000)

    # Distill
    preset: str = text("sixty_seconds", 40)
    settings: str = text("", 3000)  # what differs from the preset: path=value;path=value
    dmode: str = choice("form", ("form", "yaml"))
    alone: bool = flag(True)  # the twin without a teacher is trained too
    sweep_a: str = choice("method.params.temperature", SWEPT[1:])
    sweep_a_values: str = text("1, 2, 4", 200)
    sweep_b: str = choice("", SWEPT)
    sweep_b_values: str = text("", 200)
    run: str = text("", 120)  # the run that is watched; "" lets the page choose


FIELDS = {f.name: f for f in fields(State)}
_TYPED = ("edited", "equery", "etitle", "edescription")
FILTERS = ("box", "find", "tags", "grades", "outcomes", "slice")  # Compare's selection
_OF_THE_DATA = (
    *("teacher", "student", "rival", "pair", "pin", "split", "dcard", "dpage", "moment"),
    "probe",
    *(*FILTERS, "page", "query", "brush"),
    *("scratch", "edits", "equery", "etitle", "edescription", "edited"),
)


def now() -> State:
    """The present state of this session."""
    return st.session_state[_KEY] if _KEY in st.session_state else State()


def clean(name: str, value: Any) -> Any:
    """A value as the state would hold it; ValueError when it is none for this field."""
    return FIELDS[name].metadata["clean"](value)


def change(**values: Any) -> None:
    """A choice of the visitor: set fields (out of range: the bound), and add to the history."""
    correct(**values)
    write_url()


def correct(**values: Any) -> None:
    """Set fields without an entry: what a page puts right, and what is set on the way to one."""
    merged = {name: getattr(now(), name) for name in FIELDS}
    for name, value in values.items():
        with suppress(ValueError):  # what a browser sends is not trusted: the old value stays
            merged[name] = clean(name, value)
    moved = any(merged[name] != getattr(now(), name) for name in ("data", "split", "pair"))
    if moved and "edited" not in values:  # what was typed belongs to the pair it was typed over
        merged |= {name: FIELDS[name].default for name in _TYPED}
    st.session_state[_KEY] = State(**merged)
    if not _MARKED.isdisjoint(values):  # the new hashes are known when the page is drawn
        st.session_state[_OWN_MARKS] = {}


def stand_on(data: str, *, entry: bool = True, **more: Any) -> None:
    """Go to other data, without what names rows, models, queries or grades of the old ones.

    entry: whether the history gets an entry now; opening another page adds its own.
    """
    kept = {"lesson", "step", "keys", *more}
    gone = {n: f.default for n, f in FIELDS.items() if n in _OF_THE_DATA and n not in kept}
    (change if entry else correct)(**gone, data=data, **more)


def query_of(state: State) -> dict[str, str]:
    """A state as URL parameters: `v`, and every field that differs from its default."""
    found = {"v": VERSION}
    for name, declared in FIELDS.items():
        value = getattr(state, name)
        if value != declared.default:
            found[name] = show(declared, value)
    return found


def state_of(query: dict[str, str]) -> tuple[State, list[str]]:
    """The state that parameters say, and a sentence for each part that had to be left out."""
    values, ignored = {}, []
    version = query.get("v", VERSION)
    if version != VERSION:
        ignored.append(f"this link is of version {version[:20]!r}; this lab reads {VERSION}")
    for name, raw in query.items():
        if name in FIELDS:
            try:
                values[name] = read(FIELDS[name], raw)
            except ValueError as cause:
                ignored.append(f"{name}: {cause}")
        elif name not in (*MARKS, "kept", "q", "title", "desc") and name[:5] != "embed":
            ignored.append(f"{name[:40]!r} is no part of a link of this lab")
    return State(**values), ignored


def open_link(query: dict[str, str]) -> None:
    """Make a link's parameters the state; what was ignored is kept for the banner."""
    found, ignored = state_of(query)
    st.session_state[_KEY] = found
    st.session_state[_IGNORED] = ignored
    st.session_state[_MARKS] = {name: query[name] for name in ("dh", "rh") if name in query}


def is_new() -> bool:
    """Whether this session has not yet read its link."""
    return _KEY not in st.session_state


def ignored() -> list[str]:
    """Sentences on the parts of the link that could not be restored."""
    return list(st.session_state.get(_IGNORED, ()))


def ignore(sentence: str) -> None:
    """Name one more part of the link that could not be restored."""
    told = st.session_state.setdefault(_IGNORED, [])
    if sentence not in told:
        told.append(sentence)


def forget_ignored() -> None:
    """The visitor has read the banner."""
    st.session_state[_IGNORED] = []


def asked_marks() -> dict[str, str]:
    """Hashes of data (dh) and runs (rh) that the opened link was made for; told once."""
    marks: dict[str, str] = st.session_state.pop(_MARKS, {})
    return marks


def set_marks(**marks: str) -> None:
    """Hashes that every link from here carries: dh of the data, rh of the runs."""
    st.session_state[_OWN_MARKS] = marks


def simulated_bids(simulated: bool) -> None:
    """Whether a link to the auction has to say that its bids are simulated."""
    st.session_state["kd_simulated"] = simulated


def link() -> dict[str, str]:
    """The parameters of a link to what is on the screen: choices, version, hashes."""
    found: dict[str, str] = query_of(now()) | st.session_state.get(_OWN_MARKS, {})
    if now().rtab == "auction" and st.session_state.get("kd_simulated"):
        found = found | {"bids": "simulated"}  # no bid behind this link is real
    return found


def address() -> dict[str, str]:
    """The parameters that the address bar shows: the link, or a hash when it is too long."""
    wanted = link()
    if sum(len(k) + len(v) + 2 for k, v in wanted.items()) > _LONGEST:
        keep = st.session_state.get("kd_keep")
        if keep is not None and (digest := keep(wanted)):
            return {"v": VERSION, "kept": digest}
    return wanted


def write_url() -> None:
    """Let the address say the present choices now; components/address admits new ones alone."""
    wanted = address()
    known = {k: v for k, v in st.query_params.to_dict().items() if k not in MARKS}
    if known != {k: v for k, v in wanted.items() if k not in MARKS}:
        st.query_params.from_dict(wanted)
