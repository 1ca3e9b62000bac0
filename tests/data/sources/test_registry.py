"""What a path points at, told by its looks."""

import io
import tarfile

from kdcore.data.library import load_data
from kdcore.data.sources import registry
from kdcore.data.sources.xglue import Task
from kdcore.labels import BINARY


def test_a_task_is_added_by_its_entry_alone(tmp_path, workspace, rows, monkeypatch):
    """Name, sentence and archive search were three lists once."""
    shop = Task("shop", BINARY, ("en",))
    monkeypatch.setattr(registry, "TASKS", {**registry.TASKS, "shop": shop})
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        member = tarfile.TarInfo("SHOP/xglue.shop.en.train")
        member.size = len(rows.encode())
        archive.addfile(member, io.BytesIO(rows.encode()))
    table = load_data(tmp_path / "x.tar")
    assert len(table) == 2
    assert table.source.startswith("XGLUE SHOP (arXiv")
    assert load_data(tmp_path / "x.tar", task="shop").source == table.source
