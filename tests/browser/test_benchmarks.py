"""The benchmarks with a browser measure all that they print; no figure is judged here.

Servers and browser are those of the other tests. Run by themselves, with their own, they are slow:
tests/benchmarks/test_browser_benchmarks.py.
"""

from tests.benchmarks import browser as of_pages
from tests.benchmarks import watch as of_watching
from tests.benchmarks.test_browser_benchmarks import ROWS
from tests.browser.learning import Learning


def test_visits_drags_and_a_filter_are_measured_beside_the_plain_page(
    browser, server, tmp_path, capsys
):
    lab = of_pages.lab_figures(browser, server, quick=True)
    with of_pages.serving(of_pages.plain_command(), str(tmp_path)) as url:
        plain = of_pages.plain_figures(browser, url, quick=True)
    of_pages.show(lab, plain, quick=True)
    shown = capsys.readouterr().out
    assert all(row in shown for row in ROWS["browser.py"])


def test_what_watching_costs_is_measured_beside_a_rerun_of_the_page(browser, story, story_root):
    run = Learning(story_root, "measured")
    shown = "\n".join(of_watching.figures(browser, story, run, of_watching.QUICK))
    assert all(row in shown for row in ROWS["watch.py"])
