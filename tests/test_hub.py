import time

import pytest

from kdcore import hub
from kdcore.errors import DataError

HUB_ID = "somebody/some-model"


@pytest.fixture
def unreachable(monkeypatch):
    monkeypatch.setattr(hub, "hub_answers", lambda: False)


def test_a_folder_is_opened_from_this_machine_alone(tmp_path, unreachable):
    assert hub.local_or_hub(str(tmp_path)) == (str(tmp_path), True)


def test_a_hub_id_is_opened_where_the_hub_answers(monkeypatch):
    monkeypatch.setattr(hub, "hub_answers", lambda: True)
    assert hub.local_or_hub(HUB_ID) == (HUB_ID, False)


def test_a_hub_id_that_was_downloaded_before_opens_without_the_hub(monkeypatch, unreachable):
    monkeypatch.setattr(hub, "_is_cached", lambda name: name == HUB_ID)
    assert hub.local_or_hub(HUB_ID) == (HUB_ID, True)


def test_a_hub_id_without_a_connection_is_refused_with_the_cure(unreachable):
    with pytest.raises(DataError, match="files in a folder"):
        hub.local_or_hub(HUB_ID)


@pytest.mark.parametrize("path", ["/nowhere/at/all", "./missing", "../missing", "~/missing-model"])
def test_a_missing_folder_is_told_without_asking_a_hub(path, monkeypatch):
    monkeypatch.setattr(hub, "hub_answers", lambda: pytest.fail("the hub was asked"))
    with pytest.raises(DataError, match="there is no such folder"):
        hub.local_or_hub(path)


def test_a_hub_that_never_answers_is_given_up(monkeypatch):
    class Silent:
        def head(self, url, timeout):
            time.sleep(60)

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.get_session", Silent)
    monkeypatch.setattr(hub, "PATIENCE", 0.01)
    assert hub.hub_answers() is False
