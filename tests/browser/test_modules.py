"""Every browser part is a graph of modules that a browser links, apart and joined."""

import pytest

from app.kit import browser_part
from tests.app.kit.test_browser_part import PARTS


@pytest.mark.parametrize("joined", [False, True])
def test_every_part_evaluates_as_a_module(open_module, joined):
    page = open_module("app/parts/draw.js")
    for package in PARTS:
        url = "/" + package.replace(".", "/") + "/part.js"
        if joined:
            url = page.evaluate(
                "(text) => URL.createObjectURL(new Blob([text], {type: 'text/javascript'}))",
                browser_part.source(package),
            )
        exported = page.evaluate("async (url) => typeof (await import(url)).default", url)
        assert exported == "function", package
