"""Every student as a step from its twin without a teacher to itself; other models as one mark."""

from typing import Any

from app.kit.browser_part import part
from app.services import Story

_mount = part(__name__)


def ladder(story: Story, key: str) -> None:
    """Draw the story: a row a student, lines for teacher and truth; the newest set apart."""
    rungs = [
        {
            "title": r.title,
            "newest": r.newest,
            "brought": r.imported,
            "alone": [r.twin.value, r.twin.low, r.twin.high] if r.twin else None,
            "taught": [r.metric.value, r.metric.low, r.metric.high],
        }
        for r in story.rungs
    ]
    data: dict[str, Any] = {
        "metric": story.metric,
        "rungs": rungs,
        "teacher": story.teacher.value if story.teacher else None,
        "truth": story.truth if story.truth == story.truth else None,
        "n": f"{story.teacher.n:,} {story.teacher.n_unit}" if story.teacher else "",
        "definition": story.definition,
    }
    _mount(key=key, data=data)
