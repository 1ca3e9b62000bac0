"""The look that every offline page shares: one file, no script, nothing fetched, light and dark."""

from collections.abc import Mapping, Sequence
from html import escape


def page(title: str, body: str) -> str:
    """A whole HTML page; the title is escaped here, the body is HTML already."""
    head = (
        "<meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
    )
    return f"<!doctype html><html lang='en'><head>{head}</head><body>{body}</body></html>"


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], definitions: Mapping[str, str] | None = None
) -> str:
    """A table of plain texts; the first cell of a row names it. definitions: tooltips by name."""
    titles = "".join(f"<th scope='col'>{escape(cell)}</th>" for cell in head)
    lines = ""
    for name, *values in rows:
        tooltip = f" title='{escape(definitions[name])}'" if definitions else ""
        cells = "".join(f"<td>{escape(value)}</td>" for value in values)
        lines += f"<tr><th scope='row'{tooltip}>{escape(name)}</th>{cells}</tr>"
    shown = f"<thead><tr>{titles}</tr></thead>" if head else ""
    return f"<div class='wide'><table>{shown}<tbody>{lines}</tbody></table></div>"


def section(title: str, *parts: str) -> str:
    """A heading and what stands under it; nothing when there is nothing."""
    inner = "".join(parts)
    return f"<h2>{escape(title)}</h2>{inner}" if inner else ""


def paragraph(text: str, kind: str = "") -> str:
    """A plain text as a paragraph."""
    marked = f" class='{kind}'" if kind else ""
    return f"<p{marked}>{escape(text)}</p>" if text else ""


def block(text: str) -> str:
    """Settings, or a command, letter by letter."""
    return f"<pre>{escape(text)}</pre>"


STYLE = """
:root{color-scheme:light dark;--ink:#1B2430;--paper:#fff;--faint:#566273;--line:#DCE1E8;
--block:#F3F5F8;--teacher:#0072B2;--student:#B06A00;--twin:#8A5A83;--soft:#00795A;--hard:#566273;
--term1:#B3440E;--term2:#6B4FA0;--term3:#7A6A00}
@media(prefers-color-scheme:dark){:root{--ink:#E8EDF3;--paper:#10151C;--faint:#9FACBB;
--line:#2C3643;--block:#1A212B;--teacher:#56B4E9;--student:#E69F00;--twin:#CC79A7;--soft:#2CC295;
--hard:#9FACBB;--term1:#F08A5D;--term2:#B7A1E6;--term3:#D8CC66}}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color:var(--ink);background:var(--paper)}
table{border-collapse:collapse}th,td{text-align:left;padding:.25rem .6rem;vertical-align:top;
border-bottom:1px solid var(--line)}td{font-variant-numeric:tabular-nums}tbody th{font-weight:500}
.finding{font-size:1.2rem;font-weight:600}.faint{color:var(--faint)}.wide{overflow-x:auto}
h2{margin-top:2.2rem}summary{cursor:pointer}
code,pre{background:var(--block);padding:.2rem .4rem;overflow-wrap:anywhere;white-space:pre-wrap}
svg{max-width:100%;height:auto}svg text{font-size:12px;fill:var(--ink)}
svg .faint{fill:var(--faint)}svg .grid{stroke:var(--line)}svg path{fill:none;stroke-width:2}
figure{margin:1rem 0 2rem;overflow-x:auto}figure svg{min-width:34rem}figcaption{color:var(--faint)}
@media print{body{margin:0;max-width:none}pre{white-space:pre-wrap}h2{break-after:avoid}}
"""
