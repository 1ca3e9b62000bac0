"""Where data come from: folders, archives, tables, names; and what is kept."""

import io
import tarfile
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kdcore.data.world as world_package
from kdcore.data import library
from kdcore.data.library import import_data, list_data, load_data
from kdcore.data.pairs import PairTable, make_frame
from kdcore.data.sources import xglue
from kdcore.data.sources.hub import ARCHIVE, CONVERTED, PARQUET_COPY, read_hub
from kdcore.data.sources.qadsm import QADSM
from kdcore.data.sources.table import TableReading
from kdcore.data.sources.wpr import WPR
from kdcore.errors import ConfigError, DataError
from kdcore.labels import BINARY, FIVE_GRADES, FOUR_GRADES

PAGES = "kettle\tKettles\tAll about kettles\t4\nkettle\tTents\tNo kettle\tfair\n"


def qadsm_folder(folder, rows):
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("en.train", "en.dev", "de.dev", "en.test"):
        (folder / f"xglue.qadsm.{name}").write_text(rows)
    return folder


@pytest.mark.parametrize("below", ["", "QADSM", "xglue_full_dataset/QADSM"])
def test_a_qadsm_folder_is_found_where_the_release_puts_it(tmp_path, workspace, rows, below):
    qadsm_folder(tmp_path / below, rows)
    table = load_data(tmp_path)
    assert table.splits == ("train", "validation", "test")
    assert table.frame["language"].tolist() == ["en", "en", "de", "de", "en", "en", "en", "en"]
    assert table.scheme == BINARY
    assert "non-commercial" in table.source


def test_one_file_of_xglue_tells_its_split_and_language_by_its_name(tmp_path, workspace, rows):
    qadsm_folder(tmp_path, rows)
    table = load_data(tmp_path / "xglue.qadsm.de.dev")
    assert table.splits == ("validation",)
    assert set(table.frame["language"]) == {"de"}


def test_no_machine_path_enters_the_source_sentence(tmp_path, workspace, rows):
    """The sentence travels into model cards that people share."""
    assert str(tmp_path) not in load_data(qadsm_folder(tmp_path / "x", rows)).source


def archive_of(path, members):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(f"xglue_full_dataset/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content.encode()))
    return path


def test_an_archive_gives_the_rows_of_the_folder(tmp_path, workspace, rows):
    names = ["QADSM/xglue.qadsm.en.test", "QADSM/xglue.qadsm.en.train", "QADSM/README"]
    path = archive_of(tmp_path / "x.tar.gz", dict.fromkeys(names, rows))
    table = load_data(path)
    assert table.frame["split"].tolist() == ["train", "train", "test", "test"]


def test_reading_an_archive_stops_when_the_task_is_complete(tmp_path, rows):
    """The real one holds 850 MB that are none of QADSM's business; here they are broken."""
    noise = np.random.default_rng(0).integers(32, 127, 400_000).astype(np.uint8).tobytes().decode()
    members = {f"QADSM/{name}": rows for name in QADSM.files} | {"XNLI/x": noise}
    path = archive_of(tmp_path / "x.tar.gz", members)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert len(xglue.read_archive(path, QADSM).frame) == 14


def test_an_archive_of_pages_only_is_read_as_wpr(tmp_path, workspace):
    path = archive_of(tmp_path / "x.tar.gz", {"WPR/xglue.wpr.en.train": PAGES})
    assert load_data(path).scheme == FIVE_GRADES


def test_wpr_takes_numbers_and_names_of_its_five_grades(tmp_path):
    (tmp_path / "xglue.wpr.zh.dev").write_text(PAGES)
    reading = xglue.read_folder(tmp_path, WPR)
    assert reading.frame["grade"].tolist() == [4, 1]
    assert reading.frame["language"].tolist() == ["zh", "zh"]


def test_the_task_can_be_chosen_where_a_folder_holds_both(tmp_path, workspace, rows):
    qadsm_folder(tmp_path, rows)
    (tmp_path / "xglue.wpr.en.train").write_text(PAGES)
    assert load_data(tmp_path).scheme == BINARY
    assert load_data(tmp_path, task="wpr").scheme == FIVE_GRADES


def test_a_table_is_mapped_by_common_names_in_any_case(tmp_path, workspace):
    (tmp_path / "x.csv").write_text(
        "Relevance_Label;Query;Ad_Title;Snippet;Lang;Split\n"
        'excellent;kettle;Kettles;a "b";fr;dev\n;tent;Tents;;;\nbad;sofa;Tents;;de;test.it\n'
    )
    table = load_data(tmp_path / "x.csv")
    assert table.scheme == FOUR_GRADES
    assert table.grades.tolist() == [3, -1, 0]
    assert table.frame["language"].tolist() == ["fr", "en", "de"]
    assert table.frame["split"].tolist() == ["validation", "train", "test"]


def test_a_mapping_wins_over_a_guess_and_none_means_there_is_none(tmp_path, workspace):
    (tmp_path / "x.csv").write_text("query,typed,title,grade\nignored,kettle,Kettles,Good\n")
    table = load_data(tmp_path / "x.csv", how=TableReading({"query": "typed", "grade": None}))
    assert table.frame["query"].tolist() == ["kettle"]
    assert table.grades.tolist() == [-1]


def test_numbers_in_json_and_parquet_read_as_their_text(tmp_path, workspace):
    (tmp_path / "x.jsonl").write_text(
        '{"query": 2024, "title": "Calendars", "grade": 1.0}\n\n{"query": "a", "title": "b"}\n'
    )
    table = load_data(tmp_path / "x.jsonl")
    assert table.frame["query"].tolist() == ["2024", "a"]
    assert table.grades.tolist() == [1, -1]
    columns = {"query": ["a", "b"], "title": [7.5, None], "desc": ["", "c"], "label": [True, False]}
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    table = load_data(tmp_path / "x.parquet")
    assert table.frame["title"].tolist() == ["7.5", ""]
    assert table.grades.tolist() == [1, 0]


def test_an_import_is_found_by_name_with_the_same_hash(tmp_path, workspace, rows):
    done = import_data(qadsm_folder(tmp_path / "Kettles 2", rows))
    assert done.table.name == "Kettles-2"
    assert load_data("Kettles-2").content_hash == done.table.content_hash
    assert [(d.name, d.pairs, d.problem) for d in list_data()] == [("Kettles-2", 8, "")]
    assert not (done.folder / "rejects.tsv").exists()


def test_a_taken_name_is_replaced_only_when_asked(tmp_path, workspace, rows):
    folder = qadsm_folder(tmp_path / "x", rows)
    import_data(folder, "kettles")
    with pytest.raises(DataError, match="exists already"):
        import_data(folder, "kettles")
    (folder / "xglue.qadsm.en.test").unlink()
    import_data(folder, "kettles", replace=True)
    assert len(load_data("kettles")) == 6
    assert [p.name for p in workspace.data.iterdir()] == ["kettles"]


def test_a_failed_replacement_keeps_the_old_data(tmp_path, workspace, rows):
    folder = qadsm_folder(tmp_path / "x", rows)
    import_data(folder, "kettles")
    (folder / "xglue.qadsm.en.test").write_text("broken")
    with pytest.raises(DataError):
        import_data(folder, "kettles", replace=True)
    assert len(load_data("kettles")) == 8


def test_a_full_disk_leaves_nothing_half_imported(tmp_path, workspace, rows, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(PairTable, "save", full)
    with pytest.raises(DataError, match="nothing was imported"):
        import_data(qadsm_folder(tmp_path / "x", rows), "kettles")
    assert list(workspace.data.iterdir()) == []


@pytest.mark.parametrize("name", ["../kettles", "a/b", "con", ".hidden", "", "kettles\n"])
def test_a_name_cannot_lead_out_of_the_workspace(tmp_path, workspace, rows, name):
    folder = qadsm_folder(tmp_path / "x", rows)
    if name:
        with pytest.raises(ConfigError):
            import_data(folder, name)
    else:
        assert import_data(folder, name).table.name == "x"


def test_a_damaged_card_is_listed_with_its_problem(tmp_path, workspace, rows):
    done = import_data(qadsm_folder(tmp_path / "x", rows), "kettles")
    (done.folder / "dataset.json").write_text("{")
    (entry,) = list_data()
    assert "import it again" in entry.problem


def made_world(calls):
    def world(seed=0, *, log=0):
        calls.append((seed, log))
        frame = make_frame(["kettle"] * 2, ["Kettles", "Tents"], ["", ""], [3, 0])
        return PairTable(frame, FOUR_GRADES, "world")

    return world


def test_the_world_is_made_once_for_the_same_sizes(workspace, monkeypatch):
    calls = []
    monkeypatch.setattr(world_package, "world", made_world(calls), raising=False)
    first = load_data("world", seed=1)
    assert load_data("world", seed=1).content_hash == first.content_hash
    load_data("world", seed=1, log=5)
    assert calls == [(1, 0), (1, 5)]


def test_a_disk_that_takes_no_cache_costs_nothing_but_time(workspace, monkeypatch, tmp_path):
    monkeypatch.setattr(world_package, "world", made_world([]), raising=False)
    (tmp_path / "home").write_text("a file where the workspace should be")
    assert len(load_data("world")) == 2


def test_only_the_world_takes_sizes(tmp_path, workspace, rows):
    with pytest.raises(DataError, match="only 'world' takes log"):
        load_data(qadsm_folder(tmp_path / "x", rows), log=10)


class FakeHub:
    """Files by (repository, revision, path); anything else fails as a hub does without network."""

    def __init__(self, folder, contents):
        self.folder, self.contents, self.asked = folder, contents, []

    def files(self, repository, revision):
        self.asked.append((repository, revision))
        found = [path for repo, rev, path in self.contents if (repo, rev) == (repository, revision)]
        if not found:
            raise ConnectionError("no route to the hub")
        return found

    def fetch(self, repository, revision, path):
        self.asked.append((repository, revision))
        if (repository, revision, path) not in self.contents:
            raise ConnectionError("no route to the hub")
        local = self.folder / path.replace("/", "_")
        content = self.contents[repository, revision, path]
        pq.write_table(content, local) if isinstance(content, pa.Table) else archive_of(
            local, content
        )
        return local


def parquet(label="relevance_label"):
    columns = {"query": ["kettle"], "ad_title": ["Kettles"], "ad_description": ["x"], label: [1]}
    return pa.table(columns)


def test_the_hub_is_asked_for_parquet_first(tmp_path):
    contents = {
        (PARQUET_COPY, "main", "qadsm/train-00000-of-00001.parquet"): parquet(),
        (PARQUET_COPY, "main", "qadsm/validation.de-00000-of-00001.parquet"): parquet(),
        (PARQUET_COPY, "main", "qam/train-00000-of-00001.parquet"): parquet(),
    }
    hub = FakeHub(tmp_path, contents)
    reading, place = read_hub(QADSM, hub)
    assert place == PARQUET_COPY
    assert reading.frame["split"].tolist() == ["train", "validation"]
    assert reading.frame["language"].tolist() == ["en", "de"]
    assert set(hub.asked) == {(PARQUET_COPY, "main")}


def test_the_hub_falls_back_to_the_converted_branch_and_then_to_the_archive(tmp_path):
    converted = {(PARQUET_COPY, CONVERTED, "wpr/test.fr/0000.parquet"): parquet("relavance_label")}
    reading, place = read_hub(WPR, FakeHub(tmp_path, converted))
    assert (place, reading.frame["language"].tolist()) == (f"{PARQUET_COPY}@{CONVERTED}", ["fr"])
    archive = {("forresty/xglue", "main", ARCHIVE): {"WPR/xglue.wpr.en.train": PAGES}}
    hub = FakeHub(tmp_path, archive)
    assert read_hub(WPR, hub)[1] == "forresty/xglue@main"
    assert hub.asked[-2:] == [("microsoft/xglue", "refs/pr/7"), ("forresty/xglue", "main")]


def test_without_a_network_the_hub_error_says_how_to_go_on(tmp_path):
    with pytest.raises(DataError) as caught:
        read_hub(QADSM, FakeHub(tmp_path, {}))
    assert len(caught.value.problems) == 5
    assert "name the archive or its QADSM folder" in caught.value.problems[-1]


def test_a_hub_that_does_not_answer_is_told_once_and_nothing_is_tried(workspace, monkeypatch):
    """Its client printed retries at four places for two minutes."""
    monkeypatch.setattr("kdcore.data.sources.hub.hub_answers", lambda: False)
    with pytest.raises(DataError) as caught:
        load_data("hub:qadsm")
    assert "the hub does not respond" in caught.value.problems[0]
    assert "name the archive or its QADSM folder" in caught.value.problems[1]


def test_hub_data_are_kept_so_that_the_second_time_needs_no_network(
    tmp_path, workspace, monkeypatch
):
    contents = {(PARQUET_COPY, "main", "qadsm/train.parquet"): parquet()}
    sources = SimpleNamespace(hub=FakeHub(tmp_path, contents))
    monkeypatch.setattr("kdcore.data.sources.hub.HuggingFaceHub", lambda: sources.hub)
    first = load_data("hub:qadsm")
    sources.hub = FakeHub(tmp_path, {})
    assert load_data("hub:qadsm").content_hash == first.content_hash
    assert PARQUET_COPY in first.source


def test_a_member_that_claims_too_much_is_not_read(tmp_path, workspace, rows, monkeypatch):
    monkeypatch.setattr(xglue, "_MEMBER_LIMIT", 10)
    path = archive_of(tmp_path / "x.tar.gz", {"QADSM/xglue.qadsm.en.train": rows})
    with pytest.raises(DataError, match="97 bytes, 10 at most"):
        load_data(path)


@pytest.mark.parametrize(
    ("source", "name"),
    [("x/Ads 7.tar.gz", "Ads-7"), ("ads.CSV", "ads"), ("hub:wpr", "wpr"), ("été", "t")],
)
def test_a_source_suggests_a_valid_name(source, name):
    assert library.default_name(source) == name


@pytest.mark.slow
def test_a_million_rows_load(tmp_path, workspace):
    line = "query {0}\ttitle of ad {1}\tsome words that describe it, {0} and {1}\tGood\n"
    with (tmp_path / "xglue.qadsm.en.train").open("w") as file:
        file.writelines(line.format(i // 8, i) for i in range(1_000_000))
    assert len(load_data(tmp_path)) == 1_000_000
