import csv
from math import isclose, log2
from pathlib import Path

from kdcore.data.library import load_data
from kdcore.models.tokens.wordpiece import WordPiece

from .conftest import Home, Kdlab, small_table


def test_an_import_says_what_it_kept_and_the_list_shows_it(
    empty_home: Path, kdlab: Kdlab, tmp_path: Path
) -> None:
    (tmp_path / "mine.tsv").write_text(small_table())
    said = kdlab("data", "import", tmp_path / "mine.tsv")
    assert said.code == 0
    assert "120 of 120 rows imported (train 72, validation 24, test 24)" in said.out
    listed = kdlab("data", "list", "--json").json["data"]
    assert [(d["name"], d["pairs"]) for d in listed] == [("world", None), ("mine", 120)]
    assert "mine" in kdlab("data", "list").out
    again = kdlab("data", "import", tmp_path / "mine.tsv")
    assert (again.code, again.out) == (3, "")
    assert kdlab("data", "import", tmp_path / "mine.tsv", "--replace").code == 0


def test_broken_rows_are_told_by_line_and_skip_bad_imports_the_rest(
    empty_home: Path, kdlab: Kdlab, tmp_path: Path
) -> None:
    lines = small_table().splitlines()
    lines[3] = lines[3].replace("Good", "Goood").replace("Bad", "Baad")
    lines[7] = "only\tthree\tcells"
    (tmp_path / "torn.tsv").write_text("\n".join(lines) + "\n")
    scheme = ("--grades", "Bad,Good")
    said = kdlab("data", "import", tmp_path / "torn.tsv", *scheme)
    assert (said.code, said.out) == (3, "")
    assert "torn.tsv, line 4" in said.err
    assert "torn.tsv, line 8" in said.err
    said = kdlab("data", "import", tmp_path / "torn.tsv", *scheme, "--skip-bad", "--json")
    assert (said.json["kept"], said.json["rejected"]) == (118, 2)
    rejects = Path(said.json["rejects"]).read_text().splitlines()
    assert [row.split("\t")[1] for row in rejects[1:]] == ["4", "8"]


def test_columns_can_be_mapped_and_a_wrong_mapping_is_told(
    empty_home: Path, kdlab: Kdlab, tmp_path: Path
) -> None:
    (tmp_path / "odd.tsv").write_text(small_table().replace("query\t", "searched\t", 1))
    assert kdlab("data", "import", tmp_path / "odd.tsv").code == 3
    assert kdlab("data", "import", tmp_path / "odd.tsv", "--map", "query").code == 2
    said = kdlab("data", "import", tmp_path / "odd.tsv", "--map", "query=searched", "--json")
    assert said.json["kept"] == 120


def test_an_unknown_name_is_answered_with_the_nearest(home: Home, kdlab: Kdlab) -> None:
    said = kdlab("data", "show", "smal")
    assert said.code == 2
    assert "did you mean 'small'?" in said.err
    assert kdlab("data", "show", "no/such/file.csv").code == 3


def test_show_tells_source_splits_and_first_pairs(home: Home, kdlab: Kdlab) -> None:
    said = kdlab("data", "show", "small", "--rows", 2, "--json")
    assert [(s["split"], s["pairs"]) for s in said.json["splits"]] == [
        ("train", 72), ("validation", 24), ("test", 24)
    ]  # fmt: skip
    assert [row["grade"] for row in said.json["first"]] == ["Bad", "Good"]
    text = kdlab("data", "show", "small", "--rows", 2).out
    assert "lamp number 0" in text
    assert "the table small.tsv" in text


def test_a_title_cannot_command_the_terminal(
    empty_home: Path, kdlab: Kdlab, tmp_path: Path
) -> None:
    table = small_table().replace("buy a", "\x1b[2Jbuy [red]a", 1)
    (tmp_path / "nasty.tsv").write_text(table)
    said = kdlab("data", "show", tmp_path / "nasty.tsv")
    assert said.code == 0
    assert "\x1b" not in said.out
    assert "[red]" in said.out


def test_check_finds_what_is_odd(home: Home, kdlab: Kdlab, tmp_path: Path) -> None:
    assert "Nothing odd was found" in kdlab("data", "check", "small").out
    lines = small_table().splitlines()
    (tmp_path / "twice.tsv").write_text("\n".join([*lines, lines[1]]) + "\n")
    said = kdlab("data", "check", tmp_path / "twice.tsv", "--json")
    assert any("row repeats another one" in finding for finding in said.json["findings"])
    assert "- train: 1 row repeats" in kdlab("data", "check", tmp_path / "twice.tsv").out


def test_what_is_exported_reads_back(home: Home, kdlab: Kdlab, tmp_path: Path) -> None:
    target = tmp_path / "small.csv"
    said = kdlab("data", "export", "small", target, "--split", "test", "--json")
    assert said.json["pairs"] == 24
    with target.open() as file:
        assert len(list(csv.DictReader(file))) == 24
    assert len(load_data(target)) == 24
    assert kdlab("data", "export", "small", target).code == 3
    assert kdlab("data", "export", "small", target, "--replace").code == 0
    assert kdlab("data", "export", "small", tmp_path / "x.xlsx").code == 3


def test_sizes_of_the_world_that_make_no_sense_are_refused(home: Home, kdlab: Kdlab) -> None:
    said = kdlab("data", "show", "world:trian=5,log=x")
    assert said.code == 2
    assert said.err.count("is not a size") == 2
    said = kdlab("data", "show", "world:log=999999999999")
    assert (said.code, said.out) == (2, "")
    assert "log: 999,999,999,999 pairs; give 10,000,000 at most" in said.err


def test_a_tsv_with_unknown_columns_is_one_problem_that_names_map(
    empty_home: Path, kdlab: Kdlab, tmp_path: Path
) -> None:
    table = small_table().replace("query\t", "searched\t", 1)
    (tmp_path / "odd.tsv").write_text(table)
    said = kdlab("data", "check", tmp_path / "odd.tsv")
    assert said.code == 3
    assert said.err.count("odd.tsv, line") == 1
    told = " ".join(said.err.split())
    assert "its columns are searched, title" in told
    assert "kdlab data import FILE --map query=COLUMN" in told


def test_map_takes_every_name_that_a_file_may_use(
    empty_home: Path, kdlab: Kdlab, tmp_path: Path
) -> None:
    (tmp_path / "odd.tsv").write_text(small_table().replace("\tgrade\t", "\tverdict\t", 1))
    command = ("data", "import", tmp_path / "odd.tsv", "--map", "label=verdict")
    assert kdlab(*command, "--json").json["kept"] == 120
    said = kdlab(*command, "--map", "grade=verdict", "--replace")
    assert said.code == 3
    assert "names a column twice" in said.err


def test_a_deleted_data_set_can_be_restored_and_the_world_cannot_be_deleted(
    empty_home: Path, kdlab: Kdlab, tmp_path: Path
) -> None:
    (tmp_path / "mine.tsv").write_text(small_table())
    kdlab("data", "import", tmp_path / "mine.tsv")
    assert "`kdlab data restore mine`" in kdlab("data", "delete", "mine").out
    assert [d["name"] for d in kdlab("data", "list", "--json").json["data"]] == ["world"]
    assert kdlab("data", "restore", "mine").code == 0
    assert load_data("mine").content_hash
    refused = kdlab("data", "delete", "world")
    assert (refused.code, refused.out) == (2, "")
    assert "there is: mine" in refused.err


def test_qrels_with_gains_come_in_a_run_is_measured_and_all_goes_out_again(
    empty_home: Path, kdlab: Kdlab, tmp_path: Path
) -> None:
    """ESCI's gains: the best order but for two worst ads has an nDCG@3 that is worked out here."""
    queries = "".join(f"q{q}\tlamp number {q}\n" for q in range(12))
    documents = "".join(f"d{q}-{g}\toffer {g}\tof query {q}\n" for q in range(12) for g in range(4))
    qrels = "".join(f"q{q} 0 d{q}-{g} {g}\n" for q in range(12) for g in range(4))
    run = "".join(
        f"q{q} Q0 d{q}-{g} {place} {-place} bm25\n"
        for q in range(12)
        for place, g in enumerate((2, 3, 0, 1), 1)
    )
    files = {"queries.tsv": queries, "docs.tsv": documents, "qrels.test": qrels, "bm25.run": run}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    parts = ("--qrels", tmp_path / "qrels.test", "--queries", tmp_path / "queries.tsv")
    assert "--documents" in kdlab("data", "import", *parts, "--name", "mine").err
    parts += ("--documents", tmp_path / "docs.tsv")
    assert "--name NAME" in kdlab("data", "import", *parts).err
    assert kdlab("data", "import", *parts, "--name", "mine", "--gains", "0;1").code == 2
    said = kdlab("data", "import", *parts, "--name", "mine", "--gains", "0,0.01,0.1,1", "--json")
    assert (said.json["gains"], said.json["splits"]) == ([0, 0.01, 0.1, 1], {"test": 48})
    assert "own gains 0, 0.01, 0.1, 1" in kdlab("data", "show", "mine").out
    brought = ("bring", tmp_path / "bm25.run", "--data", "mine", "--name", "bm25", "--json")
    metrics = kdlab(*brought).json["metrics"]
    ideal = 1 + 0.1 / log2(3) + 0.01 / log2(4)
    assert isclose(metrics["ndcg_own@3"]["value"], (0.1 + 1 / log2(3)) / ideal, rel_tol=1e-9)
    assert metrics["ndcg_own@3"]["n"] == 12
    assert kdlab("data", "export", "mine", tmp_path / "out", "--trec").code == 0
    assert kdlab("data", "import", tmp_path / "out", "--name", "back", "--json").json["kept"] == 48
    again = kdlab("bring", tmp_path / "bm25.run", "--data", "back", "--name", "bm25", "--json")
    for key in ("ndcg@5", "ndcg_linear@3", "roc_auc"):
        assert again.json["metrics"][key]["value"] == metrics[key]["value"]


def test_check_counts_tokens_as_a_models_tokenizer_does(
    empty_home: Path, kdlab: Kdlab, tmp_path: Path
) -> None:
    """A vocabulary of letters alone makes a token of each letter: 21 of a query of three words."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    WordPiece.train([letters, letters[::-1], "0123456789"], 100).save(tmp_path / "letters")
    path = tmp_path / "long.tsv"
    path.write_text(small_table().replace("number", "numbersandnumbers"))
    assert "longer than query_tokens" not in kdlab("data", "check", path).out
    answer = kdlab("data", "check", path, "--tokenizer", tmp_path / "letters")
    assert "72 of 72 pairs of train (100.0%) have a query longer than query_tokens" in answer.out
    assert "at least 72" not in answer.out
    answer = kdlab("data", "check", path, "--tokenizer", tmp_path / "gone")
    assert answer.code == 3
    assert "holds no tokenizer" in answer.err
