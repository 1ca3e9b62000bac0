"""Every student as a step from its twin without a teacher to itself; other models as one mark."""

from app.kit.browser_part import part
from app.services import Story
from kdcore.evaluation.evaluate import Metric

_mount = part(__name__)


def ladder(story: Story, key: str) -> None:
    """Draw the story: a row a student, bands for teacher and truth; the newest set apart."""

    def ends(metric: Metric | None) -> list[float] | None:
        return [metric.value, metric.low, metric.high] if metric else None

    rungs = [
        {
            "title": rung.title,
            "newest": rung.newest,
            "imported": rung.imported,
            "twin": ends(rung.twin),
            "own": ends(rung.metric),
        }
        for rung in story.rungs
    ]
    data = {
        "metric": story.metric,
        "rungs": rungs,
        "teacher": ends(story.teacher),
        "truth": ends(story.truth),
        "n": f"{story.teacher.n:,} {story.teacher.n_unit}" if story.teacher else "",
        "definition": story.definition,
    }
    _mount(key=key, data=data)
