"""Any link opens any page: random states, no exception, the same link afterwards."""

import random

import pytest
from streamlit.testing.v1 import AppTest

from app import services
from app.shell.pages import PAGES
from app.state import FIELDS, State, changed, of_keys, query_of
from app.state.base import VERSION
from app.state.kinds import Kind
from kdcore.experiments.presets import PRESETS
from tests.app.made_lab import Made, make_lab
from tests.app.visitor import visit

# a page may turn these down when its data have no such row, model or word, and then says so
NAMES = (
    *("data", "teacher", "student", "rival", "split", "mteacher", "mstudent", "lesson"),
    *("mleft", "mright", "monly", "msel"),
)
WORDS = ("", "thing 3", "offer", "=1+1", "<script>", "nobody", "lost_by_distillation", "東京, a%b")


REAL = {
    "preset": tuple(PRESETS),
    "settings": ("", "seed=3", "method.params.temperature=4.5;hard_weight=0.25"),
    "run": ("", "student-kd", "student-hard"),
    "recipe": ("relevance", "adsbert"),
    "rdata": ("world",),
    "rset": ("", "teacher.training.epochs=3;scores.batch_size=64"),
    "rwithout": ("", "log", "labels,log"),
    "pipe": ("", "measured:adsbert-small-1"),
    "ropen": ("", "student-kd"),
    "rbase": ("", "student-hard"),
    "rpick": ("", "student-kd,student-hard"),
}


def some_state(seed: int) -> State:
    """A state that a link can say: everything but other data and models."""
    draw = random.Random(seed)
    values = {}
    for kind in FIELDS.values():
        if kind.key in NAMES or draw.random() < 0.6:
            continue
        options = REAL.get(kind.key) or _options(kind)
        values[kind.key] = {
            bool: lambda: draw.random() < 0.5,
            int: lambda: draw.choice((0, 1, 7, 30, 59, 9_999)),
            float: lambda: draw.uniform(0, 20),
            tuple: lambda: sorted(draw.random() for _ in range(draw.choice((0, 2, 4)))),
            str: lambda options=options: draw.choice(options or WORDS),
        }[type(kind.default)]()
    return changed(State(), **of_keys(values))


def _options(kind: Kind) -> tuple[str, ...]:
    """The words of a choice; they are what its reader lists when it refuses one."""
    try:
        kind.parse("no such word")
    except ValueError as cause:
        options = str(cause).partition("none of ")[2]
        return tuple(options.split(", ")) if options else ()
    return ()


def link_of(app: AppTest) -> dict[str, str]:
    """What the address bar says; AppTest holds a text or a list of one."""
    said = {k: v if isinstance(v, str) else v[-1] for k, v in dict(app.query_params).items()}
    return {k: v for k, v in said.items() if k not in ("dh", "rh", "bids")}


@pytest.fixture(scope="module", autouse=True)
def lab(tmp_path_factory):
    """An invented story of 60 pairs stands where the shipped one does."""
    root = tmp_path_factory.mktemp("lab")
    make_lab(root / "demo", Made())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KDLAB_DEMO", str(root / "demo"))
        patch.setenv("KDLAB_HOME", str(root / "home"))
        services.sources.clear()
        yield
    services.sources.clear()


@pytest.mark.parametrize("seeds", [range(4), pytest.param(range(4, 30), marks=pytest.mark.slow)])
@pytest.mark.parametrize("page", [page.name for page in PAGES])
def test_a_random_link_opens_a_page_and_stays_what_it_was(page, seeds):
    for seed in seeds:
        link = query_of(some_state(seed))
        app = visit(page, **link)
        case = (page, seed, link)
        assert not app.exception, case
        assert not app.error, (case, [e.value for e in app.error])
        left = link_of(app)
        assert left == link or set(left) == {"v", "kept"}, case
        assert left["v"] == VERSION
