"""Each loss as a formula, and the same with the numbers of the scene put in."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from app.views.losses.objective import HARD, Part
from app.views.losses.scene import Scene
from kdcore.softlabels import soften

Floats = NDArray[np.float64]
MOST = 5  # numbers that are written out
SYMBOLS = {
    "logits": "z, p: the teacher's logits and soft label; v, q: the student's; K grades; "
    "T: the temperature",
    "ads": "t, s: log-odds of relevance of the query's ads, the teacher's and the student's; n ads"
    "; T: the temperature",
    "vectors": "t, s: vectors of teacher and student, D numbers long; both in the picture's two "
    "dimensions",
    "attention": "A: an attention map, a row per token; H heads; n tokens; h: the vector of [CLS], "
    "whose part is left out of the value; mixed heads count as their mean, as at the first step",
}
# what else a formula has; by method and loss, or by method
_LETTERS = {
    "response standardized": "σ: the standard deviation",
    "response decoupled": "w_t, w_o: weights of the two KLs, of the labelled grade against all "
    "others and of the others among themselves",
    "response dist": "ρ: Pearson correlation of p and q, over the grades of a pair and over the "
    "pairs of a batch; β, γ: their weights",
    "label_aware": "y: the labelled grade, q_y the student's probability of it at T = 1; m: the "
    "share of the label, 0 where a pair has none; w: the pair's weight, a^g over the mean of a^g "
    "in the batch, a the teacher's probability of y at T = 1; a pair alone, as here, weighs 1",
    "hard": "q_y: the student's probability of the labelled grade y",
    "feature": "W: the learned projection of the student's vectors, left out in the picture",
    "relation": "d_ij: the distance of vectors i and j, over the mean distance; cos_ijk: the "
    "cosine of the angle at i between j and k; w_d, w_a: the weights of distances and angles; ℓ: "
    "smooth L1, half the square of a gap below 1, else its size less 0.5",
    "ranking ranknet": "i, j: every two ads of which the teacher ranks i higher",
    "ranking adr_mse": "rank: the teacher's rank of an ad; r: the student's smooth rank; σ: the "
    "logistic function",
    "ranking plackett_luce": "π(i): the ad at place i in the teacher's order",
    "ranking pearson": "ρ: Pearson correlation",
    "internal attention": "w_a, w_c: the weights of attention and of [CLS]",
    "internal minilm": "X: queries, keys or values of a head, d numbers long; R: their relations",
}
# by method and loss; T2 stands for the factor T², which can be switched off
_FORMULAS = {
    "response kl": r"T2 \sum_k p_k \ln\frac{p_k}{q_k}",
    "response ce": r"-T2 \sum_k p_k \ln q_k",
    "response mse_logits": r"\frac{1}{2K} \sum_k (\bar v_k - \bar z_k)^2",
    "response mse_probabilities": r"\sum_{k>0} (q_k - p_k)^2",
    "response standardized": r"T2 \sum_k p_k \ln\frac{p_k}{q_k},\;"
    r" p = \mathrm{softmax}\Big(\frac{z - \bar z}{\sigma_z T}\Big)",
    "response decoupled": r"T2 \,(w_t\,\mathrm{KL}_{\text{target}}"
    r" + w_o\,\mathrm{KL}_{\text{others}})",
    "response dist": r"T2 \,\big(\beta\,(1-\rho_{\text{grades}})"
    r" + \gamma\,(1-\rho_{\text{pairs}})\big)",
    "label_aware": r"w\,\Big(-m \ln q_y - (1-m)\, T2 \sum_k p_k \ln q_k\Big)",
    "hard": r"-\ln q_y \quad (T = 1)",
    "feature l2": r"\frac1D \lVert W s - t \rVert^2",
    "feature l1": r"\frac1D \lVert W s - t \rVert_1",
    "feature hint": r"\tfrac12 \lVert W s - t \rVert^2",
    "feature cosine": r"1 - \frac{Ws \cdot t}{\lVert Ws \rVert \, \lVert t \rVert}",
    "feature cross_entropy": r"-\sum_i \mathrm{softmax}(t)_i \,\ln \mathrm{softmax}(Ws)_i",
    "relation": r"w_d\,\overline{\ell(d^s_{ij} - d^t_{ij})} + w_a\,"
    r"\overline{\ell(\cos^s_{ijk} - \cos^t_{ijk})}",
    "ranking margin_mse": r"\overline{\big((s_i - s_j) - (t_i - t_j)\big)^2}",
    "ranking list_kl": r"T2 \,\mathrm{KL}\big(\mathrm{softmax}(t/T) \,\|\, \mathrm{softmax}(s/T)"
    r"\big)",
    "ranking ranknet": r"\overline{\ln(1 + e^{-(s_i - s_j)})}, \quad t_i > t_j",
    "ranking adr_mse": r"\overline{\frac{(\mathrm{rank}_i - r_i)^2}{\log_2(\mathrm{rank}_i + 1)}},"
    r"\; r_i = 1 + \sum_{j \ne i} \sigma(s_j - s_i)",
    "ranking plackett_luce": r"-\sum_i \Big(s_{\pi(i)} - \ln\sum_{j \ge i} e^{s_{\pi(j)}}\Big)",
    "ranking pearson": r"1 - \rho(s, t)",
    "internal attention": r"\frac{w_a}{H n} \sum_{h,i} \mathrm{KL}(A^t_{hi} \,\|\, A^s_{hi})"
    r" + w_c\,(1 - \cos(h^s, h^t))",
    "internal minilm": r"\sum_{q,k,v} \frac{1}{H n} \sum_{h,i} \mathrm{KL}\big(R^t_{hi} \,\|\,"
    r" R^s_{hi}\big),\; R = \mathrm{softmax}\Big(\frac{XX^\top}{\sqrt{d}}\Big)",
}


def formula(part: Part, squared: bool = True) -> str:
    """The loss of a term in LaTeX; "" for one that this page has no formula of."""
    return _of(part, _FORMULAS).replace("T2", "T^2" if squared else "").strip()


def letters(part: Part) -> str:
    """What the letters of a term's formula mean that not every formula of its view has."""
    return _of(part, _LETTERS)


def _of(part: Part, texts: dict[str, str]) -> str:
    loss = getattr(part.params, "loss", "")
    return texts.get(f"{part.name} {loss}".strip(), texts.get(part.name, ""))


def inline(text: str) -> str:
    """A formula as Markdown that breaks into lines where it is wider than its place."""
    return rf"$\displaystyle {text}$"


def with_numbers(part: Part, scene: Scene, squared: bool = True) -> str:
    """The same with the scene's numbers, as far as they fit into a line; "" where they do not."""
    write = _WRITERS.get(f"{part.name} {getattr(part.params, 'loss', '')}".strip())
    if write is None or len(scene.now) > MOST:
        return ""
    text = write(part, scene)
    factor = f"{part.params.temperature:g}^2" if squared and "T2" in text else ""
    return text.replace("T2", factor).strip()


def _soft(part: Part, scene: Scene) -> tuple[Floats, Floats]:
    """The soft labels of teacher and student at the term's temperatures."""
    own = part.params.teacher_temperature or part.params.temperature
    return soften(scene.teacher, own), soften(scene.now, part.params.temperature)


def _kl(part: Part, scene: Scene) -> str:
    p, q = _soft(part, scene)
    terms = (rf"{a:.2f}\ln\tfrac{{{a:.2f}}}{{{b:.2f}}}" for a, b in zip(p, q, strict=True))
    return rf"T2\,({' + '.join(terms)})"


def _ce(part: Part, scene: Scene) -> str:
    p, q = _soft(part, scene)
    terms = (rf"{a:.2f}\ln {b:.2f}" for a, b in zip(p, q, strict=True))
    return rf"-T2\,({' + '.join(terms)})"


def _label_aware(part: Part, scene: Scene) -> str:
    """Both parts with their shares; the weight of a pair alone is 1."""
    t = part.params.temperature
    p, q = soften(scene.teacher, t), soften(scene.now, t)
    soft = " + ".join(rf"{a:.2f}\ln {b:.2f}" for a, b in zip(p, q, strict=True))
    share = part.params.label_share if scene.grade >= 0 else 0.0
    label = rf"-{share:g}\ln {soften(scene.now)[scene.grade]:.3f} " if share else ""
    return rf"{label}-{1 - share:g}\cdot T2\,({soft})"


def _mse_logits(part: Part, scene: Scene) -> str:
    v, z = (x - x.mean() for x in (scene.now, scene.teacher))
    return rf"\tfrac{{1}}{{{2 * len(v)}}}\,({_squares(v, z)})"


def _mse_probabilities(part: Part, scene: Scene) -> str:
    return _squares(soften(scene.now)[1:], soften(scene.teacher)[1:])


def _squares(first: Floats, second: Floats) -> str:
    terms = (
        f"({a:.2f} {'-' if b >= 0 else '+'} {abs(b):.2f})^2"
        for a, b in zip(first, second, strict=True)
    )
    return " + ".join(terms)


def _pearson(part: Part, scene: Scene) -> str:
    return f"1 - {np.corrcoef(scene.now, scene.teacher)[0, 1]:.3f}"


def _hard(part: Part, scene: Scene) -> str:
    return rf"-\ln {soften(scene.now)[scene.grade]:.3f}" if scene.grade >= 0 else ""


_WRITERS: dict[str, Callable[[Part, Scene], str]] = {
    "response kl": _kl,
    "label_aware": _label_aware,
    "response ce": _ce,
    "response mse_logits": _mse_logits,
    "response mse_probabilities": _mse_probabilities,
    HARD: _hard,
    "ranking list_kl": _kl,
    "ranking pearson": _pearson,
}
