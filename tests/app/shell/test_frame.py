"""The frame keeps its promises when data or links are broken."""

import pytest

from tests.app.visitor import visit


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path))
    return tmp_path


def test_a_damaged_data_set_is_told_in_a_sentence_with_a_way_back(home):
    folder = home / "data" / "broken"
    folder.mkdir(parents=True)
    (folder / "dataset.json").write_text("{}")
    app = visit("start", data="broken")
    assert not app.exception
    assert "not a data set of the lab" in app.error[0].value.replace("\\", "")
    app.button(key="trouble_back").click().run()
    assert not app.error
    assert not app.exception


def test_every_part_of_a_link_that_cannot_be_restored_is_named(home):
    app = visit("start", student="nobody", k="999", color="red", pair="999999")
    told = app.warning[0].value.replace("\\", "")
    for part in ("student: 'nobody'", "k: 999 is outside", "'color'", "no pair=999999"):
        assert part in told
    app.button(key="banner_read").click().run()
    assert not app.warning
