"""Under every picture: its sentence, its table, and PNG, SVG and CSV of it."""

from app.components.load import part

_mount = part("chart_tools", "draw")


def chart_tools(target: str, csv: str, sentence: str, name: str, picture: bool = True) -> None:
    """Draw the row of buttons for the picture inside the container with key `target`.

    csv: the picture's numbers with one comment line; name: what saved files are called;
    picture: whether there is one, so that PNG and SVG can be offered.
    """
    data = {"target": target, "csv": csv, "sentence": sentence, "name": name, "picture": picture}
    _mount(key=f"tools_{target}", data=data)
