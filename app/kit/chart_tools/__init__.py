"""Under every picture: its sentence, its table, and PNG, SVG and CSV of it."""

from dataclasses import asdict, dataclass

from app.kit.browser_part import part
from app.kit.figures.style import light_of_dark

_mount = part(__name__)


@dataclass(frozen=True)
class Caption:
    """What a saved picture says around itself: a title, further lines, and its source below.

    lines: such as the query and the ad of the one pair shown; source: data, models and n.
    """

    title: str
    source: str
    lines: tuple[str, ...] = ()


def chart_tools(
    target: str, csv: str, sentence: str, name: str, caption: Caption | None = None
) -> None:
    """Draw the row of buttons for the picture inside the container with key `target`.

    csv: the picture's numbers; name: what saved files are called;
    caption: what is written around the picture in PNG and SVG; None where there is no picture.
    """
    data = {
        "target": target,
        "csv": csv,
        "sentence": sentence,
        "name": name,
        "picture": caption is not None,
        "caption": asdict(caption) if caption else None,
        "palette": light_of_dark(),
    }
    _mount(key=f"tools_{target}", data=data)
