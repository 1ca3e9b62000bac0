"""The pages of the app as the browser tests visit them, read from the navigation's own table."""

from collections.abc import Callable, Iterable, Iterator

from playwright.sync_api import Page, expect

from app.shell.pages import PAGES

# the first page is at the root
EVERY_PAGE = ("", *(page.name for page in PAGES[1:]))
TITLES = dict(zip(EVERY_PAGE, (page.title for page in PAGES), strict=True))


def with_parts(*parts: str, without: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Every page, and further places such as a tab; `without`: pages visited elsewhere."""
    return (*(page for page in EVERY_PAGE if page not in without), *parts)


def walk(
    page: Page, settle: Callable[[Page], None], places: Iterable[str], query: str = "v=1"
) -> Iterator[str]:
    """Each place once it is open and still: a page by its link in the navigation, as by a visitor.

    Any other place, such as a tab, is opened by its address with this query.
    """
    base = "/".join(page.url.split("/")[:3])
    for place in places:
        if title := TITLES.get(place):
            link = page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True)
            link.click()
            expect(page.locator("h1")).to_have_text(title)
        else:
            joint = "&" if "?" in place else "?"
            page.goto(f"{base}/{place}{joint}{query}")
        settle(page)
        yield place
