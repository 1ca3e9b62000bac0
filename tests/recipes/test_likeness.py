"""What feature and relation are for: the student's features come to resemble its teacher's."""

import pytest

from kdcore import lab
from kdcore.config import MethodConfig, TermConfig
from kdcore.metrics.similarity import linear_cka, rsa
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

from .conftest import distillation


def likeness(home: Workspace, teacher: Run, *terms: str, soft_weight: float = 1.0) -> list[float]:
    """CKA and RSA of both models' features on the test pairs, after a training."""
    config = distillation(
        teacher,
        "bert",
        method=MethodConfig(),
        soft_weight=soft_weight,
        terms=tuple(map(TermConfig.parse, terms)),
        hard_weight=0,
        seed=7,  # other initial weights than the teacher's
        epochs=16,
    )
    run = lab.start(config, home)
    student, of_teacher = (lab.predictions(each).features for each in (run, teacher))
    assert student is not None
    assert of_teacher is not None
    return [linear_cka(student, of_teacher), rsa(student, of_teacher)]


@pytest.mark.slow
@pytest.mark.parametrize("term", ["feature:weight=10", "relation:weight=10"])
def test_a_term_of_features_raises_cka_and_rsa_over_response_alone(
    term: str, home: Workspace, teacher: Run
) -> None:
    alone, beside = likeness(home, teacher), likeness(home, teacher, term)
    assert beside[0] > alone[0]
    assert beside[1] > alone[1]
