"""Judge with a language model: download prompts, upload its answers, see how far it agrees."""

import pandas as pd
import streamlit as st

from app import state
from app.kit import error_box
from app.kit.texts import counted, md, shown
from app.services import Board, standing
from app.state import keys
from app.views.data.bring import draft
from app.views.data.queries import answers
from app.views.data.queries import judge as queries
from app.views.data.queries.intake import Staged
from app.views.data.queries.judge import Judged
from kdcore.data.judge.requests import TERMS, TOKEN_RULE, estimated_tokens, json_lines
from kdcore.data.judge.rubric import RUBRIC, checked
from kdcore.errors import LabError
from kdcore.evaluation.judges import Agreement

NAME = "judge"
FORMATS = {"plain": "one JSON object per line", "batch": "OpenAI's Batch API"}
SAMPLE = 500  # pairs that are offered first
_RUBRIC_HELP = (
    "{grades}, {query}, {title} and {description} stand for the grades with their meanings and for "
    "the texts of a pair."
)
_HELP = (
    'One JSON object per line, with the id of the pair and a grade: {"id": "…", "grade": "…"}. '
    "Also with a confidence (0 to 1), with probabilities, with a text that holds such a JSON "
    "(“answer”), or as OpenAI's Batch API answers."
)


def draw(board: Board, closed: bool) -> None:
    """Draw the export of prompts, the upload of answers, and the report on them."""
    with st.container(border=True, key="data_judge"):
        st.subheader("Judge with a language model", anchor=False)
        st.caption(
            "Let a language model grade pairs elsewhere, then compare its grades with the labels "
            "or distill from them. The lab itself calls no model and uses no network."
        )
        left, right = st.columns(2, gap="large")
        with left:
            _export(board)
        with right:
            draft.uploader(
                NAME, "Answers of the language model", several=False, disabled=closed, help=_HELP
            )
            upload = draft.draft(NAME)
            if upload.error:
                error_box.draw(upload.error, upload.causes)
        if upload.staged is not None:
            with error_box.guard():
                result = queries.read(upload.staged, board.data, standing.on_pages(board))
                _report(result, board)
                _offer(board, upload.staged, closed)
            st.button(
                "Remove the answers", on_click=draft.clear, args=(NAME,), key="data_judge_away"
            )


def _export(board: Board) -> None:
    """Which pairs, in which form and with which prompt; the button that downloads them."""
    pairs = board.all_pairs
    limit, form, model = _options(board)
    with st.expander("Rubric: the prompt for each pair"):
        rubric = st.text_area(
            "Rubric",
            RUBRIC,
            height=320,
            max_chars=20_000,
            key="data_judge_rubric",
            help=_RUBRIC_HELP,
            label_visibility="collapsed",
        )
    try:
        prompts = queries.prompts(
            board.data, standing.on_pages(board), limit, checked(rubric, "The rubric")
        )
    except LabError as error:
        error_box.draw(*error_box.words(error))
        return
    st.download_button(
        f"{counted(len(prompts), 'pair')} as JSON lines",
        lambda: "".join(json_lines(prompts, form, model)),
        file_name=f"{board.data.key}-{standing.on_pages(board)}-judge.jsonl",
        mime="application/jsonl",
        key="data_judge_export",
        disabled=form == "batch" and not model,
        icon=":material/download:",
    )
    searched = len({each.texts["query"] for each in prompts})
    text = (
        f"{counted(len(prompts), 'pair')} of {searched:,} queries ({standing.part_in_words(board)})"
        f", about {estimated_tokens(prompts):,} tokens in the prompts ({TOKEN_RULE}); the answers "
        "need more. Labels are not written."
    )
    st.caption(md(f"{text} {TERMS}" if pairs.non_commercial else text))


def _options(board: Board) -> tuple[int, str, str]:
    """How many pairs, the form of the file, and for the batch form the model that answers."""
    pairs = board.all_pairs
    with st.container(horizontal=True, vertical_alignment="bottom"):
        limit = st.number_input(
            "Pairs at most",
            min_value=1,
            max_value=len(pairs),
            value=min(SAMPLE, len(pairs)),
            key=f"data_judge_limit_{pairs.content_hash[:8]}",
            help="Whole queries are drawn at random, the same ones each time: of the training "
            "split those that a run with this pair limit learns from.",
            width=160,
        )
        form = st.selectbox(
            "Format",
            list(FORMATS),
            format_func=lambda key: FORMATS[key],
            key="data_judge_format",
            width=240,
        )
    model = ""
    if form == "batch":
        model = st.text_input("Model that answers", key="data_judge_model", max_chars=100)
    return int(limit), form or "plain", (model or "").strip()


def _report(result: Judged, board: Board) -> None:
    judge, counts = result.judge, result.judge.counts
    st.markdown(
        f"**{len(judge.rows):,} of {len(judge.part):,} pairs** ({md(standing.on_pages(board))}) "
        f"have a grade; the file has {counted(counts.lines, 'line')}."
    )
    refused = "; ".join(f"{reason}: {count:,}" for reason, count in counts.refusals.items())
    lines = [
        f"Refusals: {sum(counts.refusals.values()):,}{f' ({refused})' if refused else ''}",
        f"Repeated answers that agree: {counts.repeated:,}; pairs with contradictory answers, "
        f"which are left out: {counts.contradicted:,}",
        f"Answers with an unknown id: {counts.unknown:,}; to pairs of other splits: "
        f"{counts.elsewhere:,}",
        f"Pairs without an answer: {counts.missing:,} of {counts.pairs:,} distinct pairs",
        *(f"Note: {note}" for note in judge.notes),
    ]
    st.markdown("\n".join(f"- {md(line)}" for line in lines))
    if judge.examples:
        with st.expander(f"{counted(len(judge.examples), 'example')} of answers not used"):
            for example in judge.examples:
                st.text(shown(example, 300))
    for compared in result.compared:
        _agreement(compared, board.pairs.scheme.grades)
    if not result.compared:
        st.caption("None of these pairs is labelled, so there is nothing to compare with.")


def _agreement(compared: Agreement, grades: tuple[str, ...]) -> None:
    """The measures with their intervals, and how often each grade met each other one."""
    st.markdown(
        f"**Agreement of {compared.rater} with {compared.reference}**: {compared.pairs:,} pairs of "
        f"{compared.queries:,} queries"
    )
    with st.container(horizontal=True):
        for metric in compared.metrics.values():
            st.markdown(
                f"{metric.name} **{metric.value:.3f}** [{metric.low:.3f}, {metric.high:.3f}]",
                help=md(
                    f"{metric.definition}. n = {metric.n:,} pairs; the brackets hold the 95 % "
                    f"interval, a bootstrap over {compared.queries:,} queries."
                ),
                width="content",
            )
    if compared.note:
        st.caption(md(compared.note))
    rows = [(name, *row) for name, row in zip(grades, compared.table, strict=True)]
    table = pd.DataFrame(rows, columns=[compared.reference, *(f"named {name}" for name in grades)])
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        alt=f"Rows: {compared.reference}; columns: the grades of {compared.rater}",
    )


def _offer(board: Board, staged: Staged, closed: bool) -> None:
    """The name under which the answers are stored, and the button."""
    name = st.text_input(
        "Name of the judge", "LLM judge", max_chars=60, key="data_judge_name", width=300
    ).strip()
    taken = answers.is_taken(board.data, name, board.all_pairs.content_hash)
    replace = taken and st.checkbox(
        f"Replace the predictions that are stored as {md(repr(name))}",
        key=f"data_judge_replace_{name}",
    )
    if not st.button(
        f"Import the grades of {md(name)} as a teacher",
        type="primary",
        disabled=closed or not name or (taken and not replace),
        key="data_judge_import",
    ):
        return
    part = standing.on_pages(board)
    teacher = queries.take_in(staged, board.data, part, name, replace=bool(replace))
    draft.clear(NAME)
    state.change(teacher=teacher)
    st.session_state[keys.IMPORTED] = f"Imported the grades of {name} as a teacher."
    st.rerun()
