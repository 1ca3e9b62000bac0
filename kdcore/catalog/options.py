"""What the losses, and other options of the objectives, are called on every screen."""

NAMES = {
    "kl": "KL",
    "ce": "cross-entropy",
    "mse_logits": "MSE of logits",
    "mse_probabilities": "MSE of probabilities",
    "standardized": "standardized KL",
    "decoupled": "decoupled KL",
    "dist": "DIST",
    "l2": "L2",
    "l1": "L1",
    "hint": "FitNets' hint",
    "cross_entropy": "cross-entropy of vectors",
    "margin_mse": "margin MSE",
    "list_kl": "list KL",
    "ranknet": "RankNet",
    "adr_mse": "ADR-MSE",
    "plackett_luce": "Plackett-Luce",
    "pearson": "Pearson",
    "attention": "attention KL",
    "minilm": "MiniLM relations",
    "cls": "[CLS] vector",
    "pooled": "pooled vector",
    "tokens": "token vectors",
}

FIELD_WORDS = {  # of Outputs (kdcore/outputs.py), in words
    "logits": "logits",
    "features": "pooled vectors",
    "cls_states": "the state of [CLS] in each layer",
    "hidden_states": "token states of each layer",
    "attentions": "attention maps",
    "projections": "queries, keys and values",
}


def option_name(option: str) -> str:
    """What an option is called: margin MSE for margin_mse."""
    return NAMES.get(option, option.replace("_", " "))
