"""Safe to show: texts stay texts, visitors stay apart, and a public showing starts nothing."""

import http.client
import shutil
import urllib.request

import numpy as np
import pytest

from kdcore.data.pairs import PairTable, make_frame
from kdcore.labels import BINARY
from kdcore.predictions import Predictions
from tests.browser.places import walk, with_parts

PAGES = with_parts(
    "scale?v=1&stab=runs",
    "retrieval?v=1&ftab=funnel",
    "compare?v=1&ctab=slices",
    "compare?v=1&ctab=edit",
    "ranking?v=1&rtab=lists",
    "ranking?v=1&rtab=auction",
)
NASTY = (
    "<script>window.hit=1</script>",
    "<img src=x onerror='window.hit=1'>",
    "[click](javascript:window.hit=1) ![a](http://192.0.2.1/x.png)",
    '=HYPERLINK("http://192.0.2.1")',
    "$\\frac{a}{b}$ :red[x] **bold** `code`",
    "<svg onload=window.hit=1></svg>",
)


@pytest.fixture(scope="module")
def nasty(home):
    """Texts that are attacks, in the visitor's workspace, with a brought teacher and student."""
    draw = np.random.default_rng(0)
    n = 60
    texts = [NASTY[i % len(NASTY)] for i in range(n)]
    queries = [f"{texts[i // 6]} {i // 6}" for i in range(n)]
    titles = [f"{t} {i}" for i, t in enumerate(texts)]
    frame = make_frame(queries, titles, texts, draw.integers(0, 2, n), "test")
    pairs = PairTable(frame, BINARY, "nasty", source="made")
    folder = home / "data" / "nasty"
    pairs.save(folder)
    (folder / "brought").mkdir()
    for name in ("teacher", "student"):
        logits = draw.normal(size=(n, 2)).astype(np.float32)
        Predictions(logits, pairs.content_hash, name).save(folder / "brought" / f"{name}.parquet")
    yield
    shutil.rmtree(folder)


@pytest.mark.usefixtures("nasty")
def test_texts_of_the_data_are_never_run_nor_fetched(visit, settle):
    data = "v=1&data=nasty&pair=0"
    page = visit(f"?{data}")
    for place in walk(page, settle, PAGES, data):
        assert page.evaluate("window.hit") is None, place
        assert page.errors == [], place
        fetched = page.locator('a[href^="javascript:"], img[src*="192.0.2.1"]')
        assert fetched.count() == 0, place
        assert page.locator('[data-testid="stException"]').count() == 0, place
        assert "data=nasty" in page.url, place


def test_every_answer_carries_the_security_headers(server):
    with urllib.request.urlopen(server, timeout=10) as answer:
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self' blob: 'sha256-" in policy  # Streamlit's own inline script
        assert "'unsafe-inline'" not in policy.partition("style-src")[0]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_another_host_name_is_refused(server):
    asks = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    asks |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Host": "evil.example"}
    line = http.client.HTTPConnection(server.removeprefix("http://"), timeout=10)
    line.request("GET", "/_stcore/stream", headers=asks)
    assert line.getresponse().status == 403
    line.close()


def test_two_visitors_at_once_do_not_see_each_others_choices(visit, settle):
    first = visit("ranking?v=1&k=3")
    second = visit("ranking?v=1&k=9&student=bert-kd")
    first.reload()
    settle(first)
    assert "k=3" in first.url
    assert "bert-kd" not in first.url
    assert "k=9" in second.url


def test_an_unexpected_error_hides_its_details_from_visitors(server):
    from tests.browser.shots import ROOT

    config = (ROOT / "app" / ".streamlit" / "config.toml").read_text()
    assert 'showErrorDetails = "none"' in config
    assert "gatherUsageStats = false" in config
    assert 'address = "127.0.0.1"' in config


SHUT = {  # where a public showing takes something in elsewhere, and what is closed there
    "data?v=1&dtab=bring": "input[type=file]",
    "data?v=1&dtab=score": "input[type=file], .st-key-data_score button",
    "recipe?v=1&rplan=1": ".st-key-recipe_start button",
    "distill": ".st-key-distill_start button",
}


def test_a_public_showing_shows_every_page_takes_nothing_in_and_keeps_nothing(
    visit, settle, serve, tmp_path_factory
):
    home = tmp_path_factory.mktemp("public")
    public = serve(home, "--public")
    page = visit(at=public)
    for place in walk(page, settle, with_parts(*SHUT, without=("distill",))):
        assert page.locator('[data-testid="stException"]').count() == 0, place
        assert page.locator(".st-key-finding").inner_text(), place
        if place in SHUT:
            assert page.get_by_text("not start or save anything").count(), place
            closed = page.locator(SHUT[place])
            closed.first.wait_for(state="attached")
            assert all(each.is_disabled() for each in closed.all()), place
    assert page.locator(".st-key-distill_judge").count()  # the bundled student, whole
    assert {each.name for each in home.iterdir()} <= {"cache"}  # of the bundled world
