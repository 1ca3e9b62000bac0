"""A model's size is one number, whatever precision its file has."""

import pytest
import torch
from safetensors.torch import save_file

from kdcore.runs.sizes import ModelSize, megabytes, size_of


@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16])
def test_the_same_weights_have_the_same_megabytes_at_any_stored_precision(kind, tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({"a": torch.zeros(300, 100, dtype=kind), "b": torch.zeros(50, dtype=kind)}, path)
    size = size_of(path)
    assert size == ModelSize(30_050, half=kind != torch.float32)
    assert size.megabytes == megabytes(30_050) == pytest.approx(0.1202)
    assert ("(stored in half precision)" in size.in_words) == (kind != torch.float32)


@pytest.mark.parametrize("content", [b"", b"12345678", b"\xff" * 40])
def test_a_damaged_file_has_no_size(content, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    assert size_of(path) is None
