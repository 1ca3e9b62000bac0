"""The knobs of a ready classifier: a teacher that another tool trained, with its own head."""

from dataclasses import dataclass

from kdcore.knobs import choice, knob, switch, text


@dataclass(frozen=True, kw_only=True)
class ReadyParams:
    """How a ready classifier reads a pair; what is not set is taken from its own files."""

    pair_tokens: int = knob(
        0,
        "a longer pair is cut here, special tokens included, at the end of its longer text; "
        "0 takes what its files say",
        low=0,
        high=65_536,
    )
    query_text: str = text("", "first text, such as 'search: {query}'; empty takes its prompt")
    ad_text: str = text("{title} {description}", "second text, made of title and description")
    lowercase: bool = switch(False, "read texts in lower case; its files may say so, too")
    activation: str = choice(
        "auto",
        "what turns its one logit into a score: sigmoid (a relevance) or identity (a free score); "
        "auto takes what its files say",
        options=("auto", "sigmoid", "identity"),
    )
    labels: str = text(
        "",
        "which grade each label of its head is, in the head's own order, such as 'Good,Bad'; "
        "empty goes by the names in its config.json",
    )
