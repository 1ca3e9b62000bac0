"""Notes outlive runs and restarts, lose nothing between two windows, and export as plain text."""

import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from kdcore.analysis.notes import Note, Notebook, pair_key, to_csv, with_note
from kdcore.errors import ConfigError


@pytest.fixture
def book(tmp_path):
    return Notebook(tmp_path / "notes", "0123abcd")


def test_a_note_is_there_for_whoever_opens_the_book_next(book):
    book.keep(Note("q", "t", "d", "label_wrong", "sold out\nlong ago", "good"))
    (note,) = Notebook(book.folder, "0123abcd").read().values()
    assert (note.status, note.text, note.grade) == ("label_wrong", "sold out\nlong ago", "good")
    assert note.changed.endswith("+00:00")


def test_a_note_belongs_to_the_texts_of_its_pair_wherever_they_stand(book):
    book.keep(Note("q", "t", "d", "fine"))
    assert pair_key("q", "t", "d") in book.read()
    assert pair_key("q", "td", "") not in book.read()


def test_notes_on_other_data_are_not_shown(book):
    book.keep(Note("q", "t", "d", "fine"))
    assert not Notebook(book.folder, "ffff").read()


def test_writing_again_replaces_and_an_empty_note_is_forgotten(book):
    book.keep(Note("q", "t", "d", "fine"))
    assert [n.status for n in book.keep(Note("q", "t", "d", "unclear")).values()] == ["unclear"]
    assert book.keep(Note("q", "t", "d", "", "  ")) == {} == book.read()


def test_many_writers_at_once_lose_no_note(book):
    def write(number):
        Notebook(book.folder, "0123abcd").keep(Note(f"q{number}", "t", "d", "fine"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    assert len(book.read()) == 40


def test_a_line_that_is_no_note_stays_in_the_file_and_hides_nothing(book):
    book.keep(Note("q", "t", "d", "fine"))
    with book.path.open("a") as file:
        file.write('{"torn": ')
    book.keep(Note("q2", "t", "d", "unclear"))
    assert [n.status for n in book.read().values()] == ["fine", "unclear"]
    assert '{"torn": ' in book.path.read_text()


def test_a_note_of_odd_letters_comes_back_as_it_was(book):
    odd = "</script> \u2028 \udc80 ={} é"
    book.keep(Note(odd, "t", "d", "fine", odd))
    (note,) = book.read().values()
    assert (note.query, note.text) == (odd, odd)


@pytest.mark.parametrize("wrong", [{"status": "bad"}, {"text": "x" * 2001}])
def test_an_unknown_status_or_an_endless_text_is_refused(wrong):
    with pytest.raises(ConfigError):
        Note("q", "t", "d", **wrong)


def test_a_data_hash_never_leads_out_of_the_folder(tmp_path):
    with pytest.raises(ConfigError):
        Notebook(tmp_path, "../elsewhere").read()


def test_the_csv_for_relabelling_holds_no_formula(book):
    note = Note("=1+1", "@x", "<script>", "label_wrong", "-2", "good", "2026")
    (row,) = csv.DictReader(io.StringIO(to_csv([note])))
    assert row == {
        "query": "'=1+1",
        "title": "'@x",
        "description": "<script>",
        "grade": "good",
        "status": "label_wrong",
        "note": "'-2",
        "changed": "2026",
    }


def test_notes_of_a_session_are_changed_in_a_copy():
    held = {}
    assert list(with_note(held, Note("q", "t", "d", "fine"))) == [pair_key("q", "t", "d")]
    assert held == {}


def test_the_file_holds_a_json_object_a_line(book):
    book.keep(Note("q", "t", "d", "fine"))
    assert [json.loads(line)["status"] for line in book.path.read_text().splitlines()] == ["fine"]
