"""Choices of the Recipe page."""

from dataclasses import dataclass

from app.state.kinds import choice, flag, text, whole


@dataclass(frozen=True)
class Recipe:
    """The planned recipe, the pipeline that is shown, and the stage whose settings are open."""

    recipe: str = text("recipe", "relevance", 40)
    size: str = choice("rsize", "small", ("small", "full"))
    data: str = text("rdata", "world", 100)
    seed: int = whole("rseed", 0, 0, 2**31 - 1)
    without: str = text("rwithout", "", 80)  # parts that are left out, with commas
    ablation: bool = flag("rablation", False)  # also without each part in turn
    # settings of stages: stage.path=value;stage.path=value
    settings: str = text("rset", "", 2000)
    stage: str = text("rstage", "", 60)
    # "" lets the page choose; measured:NAME is one that was measured before
    pipeline: str = text("pipe", "", 80)
    planning: str = choice("rplan", "", ("", "1"))  # "1": the plan, though there is a pipeline
