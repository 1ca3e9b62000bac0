"""An analyst's own data in a real browser: brought, scored, looked at; whatever they hold."""

import csv
import io

import pytest

RED, HOSE = "Red Shoes", "Garden Hose"
EVIL = "<script>window.hacked = 1</script>"


@pytest.fixture(scope="module")
def mine(serve, tmp_path_factory) -> str:
    """A server whose workspace these tests fill."""
    return serve(tmp_path_factory.mktemp("data_home"))


def table(queries: int, ads: int = 6, title: str = "") -> str:
    lines = ["suchwort\tanzeige\ttext\tziel"]
    for q in range(queries):
        for a in range(ads):
            good = a < ads // 2
            offer = f"{RED if good else HOSE} {a}{title}"
            label = "Good" if good == (q % 9 > 0) else "Bad"
            lines.append(f"red shoes {q}\t{offer}\tsome words\t{label}")
    return "\n".join(lines) + "\n"


def give(page, name: str, content: str | bytes, place: int = 0) -> None:
    data = content.encode() if isinstance(content, str) else content
    page.locator('input[type="file"]').nth(place).set_input_files(
        {"name": name, "mimeType": "text/plain", "buffer": data}
    )


def press(page, name: str) -> None:
    page.get_by_role("button", name=name).first.click()


def bring(page, settle, name: str, content: str, pairs: str) -> None:
    give(page, name, content)
    page.get_by_text("rows can be used").wait_for(timeout=60_000)
    settle(page)
    press(page, f"Import {pairs} pairs")
    page.get_by_text(f"No model has scored these {pairs} pairs yet").wait_for(timeout=60_000)
    settle(page)


def test_an_own_table_is_imported_and_scored_and_compare_opens_on_it(visit, settle, mine):
    page = visit("data?v=1&dtab=bring", at=mine)
    bring(page, settle, "own.tsv", table(12), "72")
    press(page, "Score 72 pairs with 3 models")
    page.get_by_role("progressbar").first.wait_for()
    page.get_by_role("button", name="Open Compare").wait_for(timeout=120_000)
    settle(page)
    assert "data=own" in page.url
    assert "teacher=" in page.url
    press(page, "Open Compare")
    settle(page)
    assert page.get_by_role("heading", level=1).inner_text() == "Compare"
    assert "72 pairs" in page.locator(".st-key-finding").inner_text()
    query = page.url.partition("?")[2]
    for name in ("temperature", "ranking", "data"):
        page.goto(f"{mine}/{name}?{query}")
        settle(page)
        assert page.get_by_text("Something went wrong").count() == 0
        assert page.locator('[data-testid="stException"]').count() == 0, name


@pytest.mark.slow
def test_scoring_goes_on_without_the_tab_and_can_be_cancelled(visit, settle, mine):
    page = visit("data?v=1&dtab=bring", at=mine)
    bring(page, settle, "long.tsv", table(2500), "15,000")
    press(page, "Score 15,000 pairs with 3 models")
    page.get_by_role("progressbar").first.wait_for()
    address = page.url
    page.close()
    again = visit(address.partition("/data")[2].join(["data", ""]), at=mine)
    again.get_by_role("button", name="Cancel").first.wait_for()
    # one of the two may be done, and its line gone, before it is cancelled
    again.locator('[class*="st-key-cancel_"] button').last.click()
    again.get_by_text("was cancelled").first.wait_for(timeout=30_000)


@pytest.mark.slow
def test_answers_brought_as_a_file_open_every_page_without_any_model(visit, settle, mine):
    page = visit("data?v=1&dtab=bring", at=mine)
    bring(page, settle, "brought.tsv", table(20), "120")
    for role, role_name, width in (("teacher", "Teacher", 8), ("student", "Student, distilled", 3)):
        page.get_by_text(role_name, exact=True).first.click()
        settle(page)
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["query", "title", "score"])
        for q in range(20):
            for a in range(6):
                writer.writerow(
                    [f"red shoes {q}", f"{RED if a < 3 else HOSE} {a}", f"{(3 - a) / width:.3f}"]
                )
        give(page, "scores.csv", text.getvalue())
        button = page.get_by_role("button", name=f"Import predictions of My {role}")
        button.and_(page.locator(":enabled")).wait_for()
        settle(page)
        press(page, f"Import predictions of My {role} as {role_name.lower()}")
        page.get_by_text(f"Imported My {role}").wait_for(timeout=60_000)
        settle(page)
        assert f"{role}=brought" in page.url
    press(page, "Open Compare")
    settle(page)
    assert "120 pairs" in page.locator(".st-key-finding").inner_text()


@pytest.mark.slow  # takes 15 seconds
def test_a_hundred_thousand_rows_are_brought_in_one_upload(visit, settle, mine):
    page = visit("data?v=1&dtab=bring", at=mine)
    page.set_default_timeout(120_000)
    bring(page, settle, "large.tsv", table(12_500, 8), "100,000")
    page.get_by_text("Overview").click()
    page.get_by_role("button", name="Rows 100,000").wait_for()
    assert "100,000 pairs of 12,500 queries" in page.locator(".st-key-finding").inner_text()


def test_script_in_texts_names_and_labels_stays_text_on_every_page(visit, settle, mine):
    page = visit("data?v=1&dtab=bring", at=mine)
    evil = table(12, title=f" {EVIL}").replace("some words", '=HYPERLINK("javascript:alert(1)")')
    bring(page, settle, f"{EVIL}.tsv", evil, "72")
    address = page.url.partition("?")[2].replace("dtab=score", "dtab=standing&dcard=rows")
    again = visit(f"data?{address}", at=mine)
    again.get_by_role("button", name="Rows 72").wait_for()
    for seen in (page, again):
        assert seen.evaluate("window.hacked") is None
        assert seen.locator('a[href^="javascript"]').count() == 0
        assert seen.errors == []


def test_the_cards_open_and_close_by_keyboard_and_the_link_says_which(visit, settle):
    page = visit("data")
    card = page.locator("button.card", has_text="Ads per query")
    card.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**dcard=ads*")
    settle(page)
    assert card.get_attribute("aria-pressed") == "true"
    assert card.evaluate("e => e.getRootNode().activeElement === e")  # the place is not lost
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "dcard" not in url)
    settle(page)
