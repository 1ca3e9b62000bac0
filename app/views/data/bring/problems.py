"""What the check of a staged file found: counts, every bad row at once, and what is odd."""

import pandas as pd
import streamlit as st

from app.kit import error_box, texts
from app.kit.texts import shown
from app.views.data.queries.intake import Look
from kdcore.data.files.problems import as_one, by_cause
from kdcore.data.pairs import SPLITS
from kdcore.data.sources.rows import WITHDRAWN
from kdcore.errors import for_app

MOST = 5000  # problems that the table on the screen holds


def draw(look: Look) -> None:
    """Counts in one line, then errors, bad rows, remarks."""
    if look.labels:  # nothing is wrong: the file leaves open what only its owner knows
        st.warning(texts.md(" ".join(look.causes)), icon=":material/help:")
    elif look.error:
        error_box.draw(look.error, look.causes)
    if counts := look.counts:
        rows = f"**{counts['kept']:,}** of {counts['rows']:,} rows can be used"
        rows += f", **{counts['rejected']:,}** cannot" if counts["rejected"] else ""
        if counts["withdrawn"]:
            rows += (
                f", {counts['withdrawn']:,} are left out: their title or description begins with "
                f"{texts.md(WITHDRAWN)}, which marks an ad that its server withdrew"
            )
        worths = [f"{gain:g}" for gain in look.gains] or [""] * len(look.grades)
        names = [f"{n} ({g})" if g else n for n, g in zip(look.grades, worths, strict=True)]
        grades = f"; grades {texts.md(' < '.join(names))}" if names else ""
        grades += ", each with its own gain in nDCG" if look.gains else ""
        grades += f", relevant from {texts.md(look.relevant_from)}" if look.relevant_from else ""
        sizes = [f"{split} {look.splits[split]:,}" for split in SPLITS if split in look.splits]
        splits = f" Pairs per split: {', '.join(sizes)}." if sizes else ""
        st.markdown(f"{rows}{grades}.{splits}")
    if look.problems:
        _bad_rows(look)
    if look.remarks:
        st.markdown("\n".join(f"- {texts.md(shown(each, 500))}" for each in look.remarks))


def _bad_rows(look: Look) -> None:
    rows = [
        (p.line, shown(p.what, 300), shown(for_app(p.cure), 300), shown(p.raw, 300))
        for p in look.problems
    ]
    table = pd.DataFrame(rows, columns=["line", "what is wrong", "what to do", "the row"])
    more = f", of which {MOST:,} are shown" if len(table) > MOST else ""
    st.warning(f"{texts.counted(len(table), 'problem')}{more}:", icon=":material/rule:")
    for alike in by_cause(look.problems):
        if len(alike) > 1:
            st.markdown(texts.md(shown(for_app(as_one(alike)), 500)))
    st.dataframe(
        table.head(MOST),
        hide_index=True,
        height=min(260, 38 + 35 * len(table)),
        alt=f"{len(table):,} problems of the file, one per line",
        column_config={
            name: st.column_config.TextColumn(name, width="medium") for name in table.columns[1:]
        },
    )
    st.download_button(
        "All problems as CSV",
        texts.csv(table, "KD Lab: rows that could not be read"),
        file_name="problems.csv",
        mime="text/csv",
    )
