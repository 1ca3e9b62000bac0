"""Settings are read within bounds: deep, endless and cyclic YAML is refused in words, at once."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kdcore.config import read_settings
from kdcore.errors import ConfigError
from kdcore.yaml_text import DEEPEST, read_yaml

BOMB = "a: &a [x]\n" + "\n".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(values)
def test_ordinary_settings_are_read_as_yaml_reads_them(value):
    for text in (json.dumps(value), yaml.safe_dump(value)):
        assert read_yaml(text) == yaml.safe_load(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 20_000, "nested deeper"),
        ("a: " + "{b: " * 20_000, "nested deeper"),
        ("[" * DEEPEST + "[" + "]" * DEEPEST + "]", "nested deeper"),
        (BOMB, "its aliases written out"),
        (BOMB + "\nteacher: *i", "its aliases written out"),
        ("a: &a [*a]", "leads back"),
        ("x" * 1_000_001, "letters"),
        ("[" + "1, " * 10_001 + "]", "10,000 values"),
    ],
)
def test_settings_that_would_take_long_are_refused(text, reason, tmp_path):
    with pytest.raises(yaml.YAMLError, match=reason):
        read_yaml(text)
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="cannot be read as YAML"):
        read_settings(path)


def test_an_alias_that_is_used_as_meant_is_followed():
    assert read_yaml("a: &x {b: 1}\nc: *x") == {"a": {"b": 1}, "c": {"b": 1}}
    assert read_yaml("") is None
