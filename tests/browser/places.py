"""The pages of the app as the browser tests visit them, read from the navigation's own table."""

from app.shell.pages import PAGES

# the first page is at the root
EVERY_PAGE = ("", *(page.name for page in PAGES[1:]))


def with_parts(*parts: str, without: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Every page, and further places such as a tab; `without`: pages visited elsewhere."""
    return (*(page for page in EVERY_PAGE if page not in without), *parts)
