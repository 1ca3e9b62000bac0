"""Fine-tune a model on hard labels: a teacher, or a student's twin without a teacher."""

from collections.abc import Callable

from kdcore.config import FinetuneConfig
from kdcore.data.pairs import PairTable
from kdcore.models.build import new_model
from kdcore.objectives.hard import hard_cross_entropy, hard_mse
from kdcore.runs.store import Run
from kdcore.runs.writer import RunWriter
from kdcore.training.beginning import start_of
from kdcore.training.session import Session


def finetune(
    config: FinetuneConfig,
    pairs: PairTable,
    run: Run,
    writer: RunWriter,
    begin: Callable[..., Session] = Session,
) -> str:
    """Train on labelled `train` pairs, select on `validation`, leave the model in the run.

    begin: makes the session. Returns why the training ended before its time, or nothing.
    """
    train, validation = pairs.split("train").labelled(), pairs.split("validation").labelled()
    # the tokenizer reads unlabelled pairs too, as a distilled student's does: twins start alike
    model = new_model(config.model, pairs.split("train"), config.seed, start_of(config.model, run))
    with begin(model, config, train, validation, run, writer) as session:
        grades = session.tensor(train.grades)
        for rows, batch in session.batches():
            logits = model(batch).logits
            target = grades[session.tensor(rows)]
            if config.loss == "mse":
                loss = hard_mse(logits, target)
            else:
                loss = hard_cross_entropy(logits, target, config.label_smoothing)
            session.step(loss, {"hard": loss})
    return session.message
