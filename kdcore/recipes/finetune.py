"""Fine-tune a model on hard labels: a teacher, or a student's twin without a teacher."""

from kdcore.config import FinetuneConfig
from kdcore.data.pairs import PairTable
from kdcore.models.build import new_model
from kdcore.objectives.hard import hard_cross_entropy, hard_mse
from kdcore.runs.store import Run, RunStore
from kdcore.runs.writer import RunWriter
from kdcore.training.checks import starting_model
from kdcore.training.loop import Batches, training_batches
from kdcore.training.ranks.group import ALONE, Group
from kdcore.training.session import Session


def finetune(
    config: FinetuneConfig,
    pairs: PairTable,
    run: Run,
    writer: RunWriter,
    group: Group = ALONE,
    batches: Batches = training_batches,
) -> str:
    """Train on labelled `train` pairs, select on `validation`, store the best model in the run.

    Returns why the training ended before its last step; empty when it did not.
    """
    train, validation = pairs.split("train").labelled(), pairs.split("validation").labelled()
    # its tokenizer reads all pairs of train, labelled or not, as that of a student which is
    # distilled on train; a student of the log learns its tokens from the log
    texts = pairs.split("train")
    source = starting_model(config.model, RunStore(run.folder.parent), texts)
    model = new_model(config.model, texts, config.seed, source)
    session = Session(model, config, train, validation, run, writer, group=group)
    grades = session.tensor(train.grades)

    for rows, batch in batches(session):
        logits = model(batch).logits
        target = grades[session.tensor(rows)]
        if config.loss == "mse":
            loss = hard_mse(logits, target)
        else:
            loss = hard_cross_entropy(logits, target, config.label_smoothing)
        session.step(loss, {"hard": loss})
    return session.message
