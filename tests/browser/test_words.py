"""words.js writes numbers as app/kit/texts.py does."""

import pytest

from app.kit import texts

VALUES = [0.0, 0.1234567, 0.5001, 1.0, 2.34567, -0.0432, -1.7, 12.0, 1234.567]


@pytest.mark.parametrize("digits", [0, 1, 3])
def test_a_number_reads_alike_in_the_browser_and_in_python(open_module, digits):
    page = open_module("app/parts/words.js")
    answers = page.evaluate(
        """([values, digits]) => [...values, NaN].map((value) =>
             [m.number(value, digits), m.signed(value, digits), m.percent(value, digits)])""",
        [VALUES, digits],
    )
    for value, answer in zip([*VALUES, float("nan")], answers, strict=True):
        named = (texts.number, texts.signed, texts.percent)
        assert answer == [write(value, digits) for write in named], value
