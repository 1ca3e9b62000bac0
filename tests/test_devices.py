"""Devices: auto takes what is there; what is not there is said in words."""

import pytest
import torch

from kdcore.devices import pick_device
from kdcore.errors import ConfigError


def test_auto_takes_a_device_that_works():
    assert torch.ones(2, device=pick_device("auto")).sum().item() == 2


def test_the_cpu_is_always_there():
    assert pick_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda:99", "toaster", "", "cpu:x"])
def test_a_device_that_is_not_there_is_refused_with_a_way_out(name):
    with pytest.raises(ConfigError, match="auto takes what is"):
        pick_device(name)
