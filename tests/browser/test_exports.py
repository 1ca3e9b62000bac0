"""What is saved can be used: pictures, numbers, the report, the state, files for trec_eval."""

import base64
import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

import pytest
import pytrec_eval

PICTURES = {  # page: its picture, and words that its saved shapes have
    "temperature?v=1&T=3&pair=100": (
        "temperature_picture",
        ("Query:", "Ad:", "Teacher at T = 3.00", "Student at T = 3.00", "hard label:",
         "All 10,000 pairs", "teacher BERT-3", "student TwinBERT cosine", "n = 10,000"),
    ),
    "masked_word": ("masked_picture", ("Your T = 2.00", "T = 1", "T = 3", "T = 5", "[MASK]")),
    "compare?v=1&pair=100": (
        "chart_joint",
        ("Teacher: P(relevant)", "1 pair", "pairs", "log scale", "Query", "Who is right"),
    ),
    "ranking": ("density_picture", ("A: Student", "B: Twin")),
    "": ("story", ()),
    "ranking?v=1&rtab=ndcg": ("chart_ndcg_curve", ()),
    "ranking?v=1&rtab=lists": ("lists_picture", ()),
    "ranking?v=1&rtab=auction": ("auction_picture", ()),
    "scale?v=1&stab=runs": ("chart_scale_runs", ("BERT-3 teacher",)),
    "retrieval?v=1&ftab=funnel": ("retrieval_funnel", ("nDCG@5",)),
    "recipe": ("chart_recipe_waterfall", ("C-DSSM on the log", "label-aware")),
    "map": ("chart_map", ("Twin: TwinBERT cosine", "Student: TwinBERT cosine")),
    "data?v=1&dtab=teacher": ("chart_data_teacher", ()),
}  # fmt: skip
# how many colors a picture has, and its size: an empty one has one
COLORS = """async (png) => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  const brush = canvas.getContext("2d");
  brush.drawImage(image, 0, 0);
  const { data: dots } = brush.getImageData(0, 0, image.width, image.height);
  return [image.width, image.height, new Set(new Uint32Array(dots.buffer)).size];
}"""


def saved(page, button) -> bytes:
    with page.expect_download(timeout=60_000) as coming:
        button.click()
    return Path(coming.value.path()).read_bytes()


QUICK = 4  # pictures of every run; the others are slow for a busy machine


@pytest.mark.parametrize(
    "place",
    [pytest.param(p, marks=[pytest.mark.slow] * (i >= QUICK)) for i, p in enumerate(PICTURES)],
)
def test_a_picture_is_saved_as_numbers_as_pixels_and_as_shapes_that_name_what_they_show(
    visit, place
):
    page = visit(place)
    key, words = PICTURES[place]
    tools = page.locator(f".st-key-tools_{key}")
    said = saved(page, tools.get_by_role("button", name="CSV")).decode()
    rows = said.splitlines()
    names, first = list(csv.reader(rows))[:2]
    assert names[-1] == "made_from"
    assert re.search(r"[0-9a-f]{8}", first[-1]), first
    width = {len(row) for row in csv.reader(io.StringIO("\n".join(rows)))}
    assert len(rows) > 1
    assert len(width) == 1
    cells = [cell for row in csv.reader(rows) for cell in row]
    assert not [c for c in cells if re.match(r"[=@+]|-(?!\d|inf|$)", c)]
    pixels = saved(page, tools.get_by_role("button", name="PNG"))
    wide, high, colors = page.evaluate(COLORS, base64.b64encode(pixels).decode())
    assert colors > 10
    source = saved(page, tools.get_by_role("button", name="SVG")).decode()
    shapes = ElementTree.fromstring(source)
    assert [wide, high] == [3 * int(shapes.get(side)) for side in ("width", "height")]
    assert_framed(source, shapes)
    for word in words:
        assert word in words_of(shapes), word
    assert page.errors == []


SVG = "{http://www.w3.org/2000/svg}"


def words_of(shapes) -> str:
    """The texts of an SVG in their order, lines joined."""
    return " ".join("".join(t.itertext()) for t in shapes.iter(f"{SVG}text"))


def assert_framed(source, shapes):
    """A saved picture stands alone: title, sentence, source and date in it, font inside."""
    words = words_of(shapes)
    assert shapes.find(f"{SVG}title").text in words
    assert shapes.find(f"{SVG}desc").text.split()[0] in words
    assert re.search(r"KD Lab · .* · \d{4}-\d\d-\d\d$", words), words[-200:]
    assert "data:font/woff2;base64," in shapes.find(f"{SVG}style").text
    assert "var(" not in source
    assert "foreignObject" not in source  # slides and drawing programs do not show it


def shapes_of(page, key):
    button = page.locator(f".st-key-tools_{key}").get_by_role("button", name="SVG")
    return ElementTree.fromstring(saved(page, button))


def test_a_saved_density_is_shapes_in_light_colors_that_use_the_height(visit, settle):
    page = visit("temperature?v=1&T=3&pair=100")
    light = shapes_of(page, "temperature_picture")
    assert not list(light.iter(f"{SVG}image"))  # sharp at any size
    page.emulate_media(color_scheme="dark")
    settle(page)
    dark = shapes_of(page, "temperature_picture")
    assert fills_of(light) == fills_of(dark)
    page.goto(page.url.partition("?")[0] + "?v=1&T=3&pair=100&same=1")  # one scale for all T
    settle(page)
    for shapes, own in ((light, True), (shapes_of(page, "temperature_picture"), False)):
        words = words_of(shapes)
        assert ("20 %" in words and "50 %" not in words) == own  # no bin has a fifth of the pairs


def fills_of(shapes) -> set[str]:
    """Colors with which an SVG is filled."""
    styles = " ".join(node.get("style", "") for node in shapes.iter())
    return set(re.findall(r"fill: [^;]+", styles))


class Addresses(HTMLParser):
    """Whatever in a page would be fetched or run; what it carries in itself (data:) is neither."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        addresses = [v for k, v in attrs if k in ("src", "href", "srcset", "action", "data")]
        self.found += [v for v in addresses if not re.match("data:image/png|#", v)]
        self.found += [k for k, _ in attrs if k.startswith("on")]
        self.found += [tag] if tag in ("script", "iframe", "object", "link") else []


@pytest.fixture
def keep(visit, settle):
    """keep("temperature?v=1&T=4") -> what the Save menu of that page gives for a label."""

    def go(place: str):
        page = visit(place)

        def save(label: str) -> str:
            button = page.get_by_role("button", name=label)
            if not button.is_visible():
                page.get_by_role("button", name="Save").first.click()
                button.wait_for()
            return saved(page, button).decode()

        return page, save

    return go


def read_offline(browser, path) -> tuple[str, list[str]]:
    """What a person reads in a file without a network, its folded parts opened; what it asked."""
    context = browser.new_context(offline=True)
    asked = []
    reader = context.new_page()
    reader.on("request", lambda request: asked.append(request.url))
    reader.goto(path.as_uri())
    reader.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    shown = reader.locator("body").inner_text()
    context.close()
    return shown, [url for url in asked if not url.startswith("data:")]


def test_the_report_opens_offline_and_holds_the_page_as_it_stood(keep, browser, tmp_path):
    page, save = keep("temperature?v=1&pair=100&T=3&ttab=gradient")
    told = save("Report (one HTML file)")
    assert len(told.encode()) < 2_000_000
    assert Addresses(told).found == []
    path = tmp_path / "report.html"
    path.write_text(told, encoding="utf-8")
    shown, asked = read_offline(browser, path)
    assert asked == [path.as_uri()]
    assert told.count("<figure>") == 2  # the pair with all pairs, and the open tab
    assert page.locator(".st-key-finding").inner_text() in shown
    for part in ("Teacher at T = 3.00", "Pair 101", "Query: apartments", "student, T = 3", "T=3"):
        assert part in shown, part
    for part in ("ROC-AUC", "Smallest detectable", "Settings", "temperature:", "only on the mach"):
        assert part in shown, part


def test_the_report_of_a_selection_has_the_metrics_of_just_these_pairs(keep, browser, tmp_path):
    page, save = keep("compare?v=1&tags=teacher_unsure&pair=100&ctab=notes")
    path = tmp_path / "report.html"
    path.write_text(save("Report (one HTML file)"), encoding="utf-8")
    shown, _ = read_offline(browser, path)
    chosen = page.get_by_text("of 10,000 pairs selected").first.inner_text().split()[0]
    assert f"{chosen} of 10,000 pairs: tagged “teacher unsure”." in shown
    assert f"{chosen} pairs" in shown.split("The selection")[1].split("The open pair")[0]
    assert "10,000 pairs" in shown.split("All pairs: metrics")[1]


def test_the_state_as_a_file_opens_the_same_page_again(keep, visit, settle, tmp_path):
    page, save = keep("temperature?v=1&T=7.5&pair=3&ttab=gradient")
    content = save("This state (JSON)")
    told = json.loads(content)
    assert told["page"] == "temperature"
    assert told["state"] == dict(parse_qsl(urlsplit(page.url).query))
    told["state"]["k"] = "many"
    path = tmp_path / "kdlab-state.json"
    path.write_text(json.dumps(told))
    again = visit("ranking")
    again.get_by_role("button", name="Save").first.click()
    again.locator(".st-key-keep_open input[type=file]").set_input_files(path)
    again.wait_for_url("**/temperature?*")
    settle(again)
    again.locator(".st-key-banner").get_by_text("k:").wait_for()
    query = dict(parse_qsl(urlsplit(again.url).query))
    assert {name: query[name] for name in ("T", "pair", "ttab")} == {
        "T": "7.5",
        "pair": "3",
        "ttab": "gradient",
    }


def test_the_table_for_latex_is_whole_and_the_metrics_name_their_hashes(keep):
    _, save = keep("?v=1")
    table = save("Table for LaTeX")
    assert table.count(r"\begin{tabular}") == table.count(r"\end{tabular}") == 1
    bare = re.sub(r"\\[&%$#_{}]", "", table)
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    rows = [line for line in bare.splitlines() if line.endswith(r"\\")]
    assert len({row.count("&") for row in rows}) == 1
    assert re.search(r"\d\.\d{3}", table)
    numbers = save("All metrics (CSV)")
    metrics = list(csv.DictReader(io.StringIO(numbers)))
    assert {row["role"] for row in metrics} == {"teacher", "student", "twin"}
    assert all(re.match(r"data=\S+ [0-9a-f]{8}.*teacher=", row["made_from"]) for row in metrics)


@pytest.mark.slow
def test_trec_files_are_read_by_trec_eval(visit):
    page = visit("ranking?v=1&rtab=ndcg&gain=linear")
    box = page.locator(".st-key-trec")
    run = saved(page, box.get_by_role("button", name=re.compile("tudent.*run|A.*run")).first)
    qrels = saved(page, box.get_by_role("button", name="Qrels"))
    judged = pytrec_eval.parse_qrel(io.StringIO(qrels.decode()))
    ranked = pytrec_eval.parse_run(io.StringIO(run.decode()))
    assert set(judged) <= set(ranked)
    told = pytrec_eval.RelevanceEvaluator(judged, {"ndcg_cut.5"}, judged_docs_only_flag=True)
    values = [v["ndcg_cut_5"] for v in told.evaluate(ranked).values()]
    assert 0 < sum(values) / len(values) < 1
