"""Choices of the Runs page."""

from dataclasses import dataclass

from app.state.kinds import choice, flag, text
from kdcore.metrics.definitions import CATALOG

_TABS = ("one", "diff", "parallel", "frontier", "curves", "sweep", "trash")
_ORDERS = ("newest", "best", "delta", "validation", "title", "group", "family", "small")


@dataclass(frozen=True)
class Runs:
    """Which runs are listed, selected and opened, and what their charts show."""

    tab: str = choice("rview", "one", _TABS)
    search: str = text("rfind", "", 200)
    tags: str = text("rtags", "", 400)  # comma separated; a shown run has all of them
    # families, comma separated: only their runs are shown
    families: str = text("rfam", "", 120)
    sort: str = choice("rsort", "newest", _ORDERS)
    metric: str = choice(
        "rmetric", "roc_auc", tuple(k for k in CATALOG if CATALOG[k].kind != "ceiling")
    )
    differing_only: bool = flag("rdiff", True)  # only settings in which the shown runs differ
    fold_seeds: bool = flag("rfold", True)  # runs that differ in their seed alone are one row
    baseline: str = text("rbase", "", 120)  # the run that deltas are to; "" is the starred one
    selected: str = text("rpick", "", 3000)  # runs, comma separated
    opened: str = text("ropen", "", 120)  # the run whose details are open
    # runs of other inputs may share charts; a banner stays
    mix_inputs: bool = flag("rover", False)
    # axes of the frontier
    cost: str = choice("rx", "parameters", ("parameters", "megabytes", "p50", "p95", "seconds"))
    quality: str = choice("ry", "test", ("test", "best"))
    lines_by_method: bool = flag("rpaper", False)  # as in the paper on internal distillation
    axis_ranges: str = text("rbrush", "", 600)  # on the parallel axes: axis:low:high;...
    # what the curves of pretrainings show of their validations
    pretraining: str = choice(
        "rpretrain", "masked", ("masked", "masked_accuracy", "next_ad", "next_ad_accuracy")
    )
    sweep: str = text("rsweep", "", 200)  # the sweep whose cells are drawn
