"""Write values.json: other packages' losses on the numbers of draws.py, for test_oracles.py.

Run by hand where textbrewer 0.2.1, torchdistill 1.1.5 and sentence-transformers 6.2.0 are
installed, which the project itself never needs: `python -m tests.objectives.oracles.make`.
"""

import json
from pathlib import Path

import sentence_transformers.cross_encoder.losses as cross
import sentence_transformers.sentence_transformer.losses as towers
import torch
from textbrewer import losses as textbrewer
from torchdistill.losses import mid_level as torchdistill

from tests.objectives.oracles.draws import LISTS, LOGITS, MASK, SIZES, TOKENS, VECTORS

torch.set_default_dtype(torch.float64)
torch.Tensor.float = torch.Tensor.double  # their single precision would hide the seventh digit


def io(x):
    """Outputs as torchdistill passes them."""
    return {".": {"output": x}}


class Answers(torch.nn.Module):
    """A cross-encoder whose score of (query i, document j) is that of the draws."""

    device, dtype, num_labels = torch.device("cpu"), torch.float64, 1

    def preprocess(self, pairs, **_):
        return {"pairs": torch.tensor(pairs)}

    def forward(self, features):
        return {"scores": LISTS[0][features["pairs"][:, 0], features["pairs"][:, 1]]}


def listwise(kind, **options):
    """A list at a time: mean over lists, where theirs is a mean over all ads or pairs."""
    values = []
    for i in range(len(SIZES)):
        labels = [LISTS[1][i, : SIZES[i]]]
        values.append(kind(Answers(), **options)([[i], [list(range(SIZES[i]))]], labels).item())
    return sum(values) / len(values)


def embedded(columns):
    """Vectors of four queries and their documents whose products are the student's scores."""
    return [torch.eye(4), *(torch.diag(LISTS[0][:, j]) for j in range(columns))]


def list_kl(student_temperature, teacher_temperature):
    loss = towers.DistillKLDivLoss(
        torch.nn.Identity(),
        student_temperature=student_temperature,
        teacher_temperature=teacher_temperature,
    )
    return loss.compute_loss_from_embeddings(embedded(6), LISTS[1]).item()


def values():
    (s, t), (zs, zt) = TOKENS, LOGITS
    fs, ft = map(io, VECTORS)
    names = {f"{side}_module_{k}": v for side in ("student", "teacher") for k, v in PATHS.items()}
    standardized = torchdistill.LogitStdKDLoss(**names, temperature=2.0, beta=1.0)
    margin = towers.MarginMSELoss(torch.nn.Identity())
    return {
        "textbrewer hid_mse": textbrewer.hid_mse_loss(s, t, MASK).item(),
        "textbrewer hid_mse pooled": textbrewer.hid_mse_loss(s[:, 0], t[:, 0]).item(),
        "textbrewer cos": textbrewer.cos_loss(s, t, MASK).item(),
        "textbrewer cos pooled": textbrewer.cos_loss(s[:, 0], t[:, 0]).item(),
        "textbrewer kd_ce at 3": textbrewer.kd_ce_loss(zs, zt, 3.0).item(),
        "torchdistill dist at 1": dist(names, 1.0),
        "torchdistill dist at 2": dist(names, 2.0),
        "torchdistill standardized at 2": 4 * standardized(io(zs), io(zt)).item(),  # without T²
        "torchdistill distance": torchdistill.RKDLoss(".", ".", 1, 0, "mean")(fs, ft).item(),
        "torchdistill angle": torchdistill.RKDLoss(".", ".", 0, 1, "mean")(fs, ft).item(),
        "sentence-transformers adr_mse": listwise(cross.ADRMSELoss),
        "sentence-transformers adr_mse, alpha 2": listwise(cross.ADRMSELoss, alpha=2.0),
        "sentence-transformers ranknet": listwise(cross.RankNetLoss, reduction_log="natural"),
        "sentence-transformers list_mle": listwise(cross.ListMLELoss, respect_input_order=False),
        "sentence-transformers list_kl at 1": list_kl(1.0, 1.0),
        "sentence-transformers list_kl at 2": list_kl(2.0, 2.0),
        "sentence-transformers list_kl at 2 and 3": list_kl(2.0, 3.0),
        "sentence-transformers margin_mse": margin.compute_loss_from_embeddings(
            embedded(2), LISTS[1][:, :2]
        ).item(),
    }


PATHS = {"path": ".", "io": "output"}


def dist(names, tau):
    loss = torchdistill.DISTLoss(**names, beta=1.0, gamma=2.0, tau=tau)
    return loss(io(LOGITS[0]), io(LOGITS[1])).item()


if __name__ == "__main__":
    text = json.dumps(values(), indent=2) + "\n"
    Path(__file__).with_name("values.json").write_text(text)
