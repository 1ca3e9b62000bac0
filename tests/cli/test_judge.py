"""`kdlab judge`: pairs go out as prompts, grades come back as predictions with a report."""

import json
from pathlib import Path

import pytest

from kdcore.data.answers.stored import kept_about
from kdcore.predictions import Predictions

from .conftest import Kdlab, small_table


@pytest.fixture
def mine(empty_home: Path, kdlab: Kdlab, tmp_path: Path) -> Path:
    """The data set `mine` of 120 pairs, 72 of them its training split."""
    (tmp_path / "mine.tsv").write_text(small_table())
    assert kdlab("data", "import", tmp_path / "mine.tsv").code == 0
    return tmp_path


def test_exported_pairs_come_back_as_a_teacher_with_its_agreement(mine: Path, kdlab: Kdlab) -> None:
    sent, back = mine / "sent.jsonl", mine / "back.jsonl"
    call = ("judge", "--data", "mine")
    said = kdlab(*call, "--export", sent, "--limit", 40, "--json").json
    records = [json.loads(line) for line in sent.read_text().splitlines()]
    assert (said["pairs"], said["queries"], len(records)) == (40, 10, 40)
    prompts = sum(len(record["prompt"].encode()) for record in records)
    assert said["tokens"] == -(-prompts // 4)
    assert "estimated" in said["token_rule"]
    with back.open("w") as file:
        for record in records[:-1]:  # the last one is not answered
            good = record["title"].removeprefix("buy a ") in record["query"]
            answer = f'{{"grade": "{"Good" if good else "Bad"}", "confidence": 0.8}}'
            file.write(json.dumps({"id": record["id"], "answer": answer}) + "\n")
    report = kdlab(*call, "--import", back, "--name", "My judge", "--requests", sent, "--json").json
    assert (report["answered"], report["missing"], report["unknown"]) == (39, 1, 0)
    (labels,) = report["agreement"]
    assert labels["metrics"]["accuracy"]["value"] == 1
    about = kept_about(Path(report["kept"]))
    assert about.origin is not None
    assert (about.model, about.origin.role, about.whole) == ("My judge", "teacher", False)
    assert len(Predictions.load(about.path)) == 39
    again = kdlab(*call, "--import", back, "--name", "My judge")
    assert (again.code, "with --replace" in again.err) == (3, True)


def test_a_report_for_people_counts_refusals_and_shows_examples(mine: Path, kdlab: Kdlab) -> None:
    sent, back = mine / "sent.jsonl", mine / "back.jsonl"
    kdlab("judge", "--data", "mine", "--export", sent)
    names = [json.loads(line)["id"] for line in sent.read_text().splitlines()]
    lines = [{"id": name, "grade": k % 2} for k, name in enumerate(names[:60])]
    lines += [{"id": names[60], "answer": "no idea"}, {"id": "x", "grade": 1}]
    back.write_text("\n".join(map(json.dumps, lines)))
    said = kdlab("judge", "--data", "mine", "--import", back, "--name", "J").out
    texts = "60 of 72 pairs judged", "refusals: the answer names no grade", "no idea"
    texts += "answers with an unknown id", "Cohen's kappa", "named Good", "Saved: "
    for text in texts:
        assert text in said


def test_tokens_are_counted_by_a_given_tokenizer(mine: Path, kdlab: Kdlab) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.save(str(mine / "tokenizer.json"))
    said = kdlab(
        "judge", "--data", "mine", "--export", mine / "s.jsonl", "--tokenizer", mine, "--json"
    ).json
    prompts = [json.loads(line)["prompt"] for line in (mine / "s.jsonl").read_text().splitlines()]
    assert said["tokens"] == sum(len(prompt.split()) for prompt in prompts)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), "either --export FILE or --import FILE"),
        (("--export", "a", "--import", "b"), "either --export FILE or --import FILE"),
        (("--import", "b"), "needs a name for the judge"),
        (("--export", "a", "--split", "log"), "mine has train, validation, test, all"),
        (("--export", "a", "--format", "csv"), "choose from plain, batch"),
    ],
)
def test_options_that_cannot_be_carried_out_are_refused(
    mine: Path, kdlab: Kdlab, options: tuple[str, ...], sentence: str
) -> None:
    said = kdlab("judge", "--data", "mine", *options)
    assert (said.code, sentence in said.err) == (2, True)
