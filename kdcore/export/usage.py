"""How an exported student is used, as its card says it: a few lines that run as they stand."""

from collections.abc import Mapping, Sequence
from typing import Any

from kdcore.export.exported import Exported
from kdcore.export.formats import CROSS, SENTENCE, STATIC

_LOAD = """Ten lines, in this folder ({needs}, nothing of KD Lab):

```python
from student import Student

student = Student()
pairs = [  # query, the ad's title, the ad's description
    ("red shoes", "Running shoes", "Light and cheap."),
    ("red shoes", "Garden hose 20 m", ""),
]
for pair, shares in zip(pairs, student.probabilities(pairs).tolist()):
    print(pair[1], {{g: round(p, 3) for g, p in zip(student.grades, shares)}})
```

Or `python student.py "red shoes" "Running shoes" "Light and cheap."`.{grades}"""

_PLAIN = """Plain transformers loads the weights:

```python
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

net = AutoModelForSequenceClassification.from_pretrained(".")
tokenizer = AutoTokenizer.from_pretrained(".")
{call}
```
"""

_SIMPLE = """given = tokenizer("red shoes", "Running shoes Light and cheap.", return_tensors="pt")
print(net(**given).logits.softmax(1))"""

_MARKED = """given = tokenizer("red shoes", "Running shoes Light and cheap.", return_tensors="pt")
ids, kinds = given["input_ids"][0].tolist(), given["token_type_ids"][0].tolist()
sides = [{i for i, k in zip(ids, kinds) if k == side} for side in (0, 1)]
both = sides[0] & sides[1]  # tokens that query and ad share, [SEP] among them
given["token_type_ids"] = torch.tensor([[k + 2 * (i in both) for i, k in zip(ids, kinds)]])
print(net(**given).logits.softmax(1))"""

_CUT = (
    "The ad is title, a blank, description. In training a query is cut at {query_tokens} tokens "
    "and an ad at {ad_tokens}, each by itself; a plain call cuts the pair. `student.py` does as "
    "training did."
)

_OVERLAP = (
    "**The token types carry one thing more than BERT's.** Beside 0 (query) and 1 (ad), 2 is added "
    "where the other text holds the token too. A plain tokenizer does not do this, and without it "
    "the answers are wrong, so add the marks as above, or let `student.py` do it."
)

_TOWERS = """Query and ad are read apart, so ads can be embedded ahead of time:

```python
ads = student.ad_vectors([("Running shoes", "Light and cheap."), ("Garden hose", "")])
queries = student.query_vectors(["red shoes"]).expand(len(ads), -1)
print(student.cross(queries, ads).softmax(1))  # the same as student.probabilities
```

{search}"""

_COSINE = "The cosine of the two vectors ranks as the grades do, so a vector index can search ads."
_CROSSED = "The head is a small network over both vectors: their cosine alone does not rank."

_CORRECTED = (
    "Each vector is the student's and the assistant's, one behind the other: its cosine alone does "
    "not rank."
)
_CROSS = ("bert", "checkpoint", "ready")
_CORRECTS = {"features": "the student's vector of the pair", "logits": "the student's logits"}
_ASSISTED = (
    "**An assistant belongs to it**: {weights:,} of its {all:,} weights are a second, small model "
    "that corrects {what}. Both read every pair; `student.py` and ONNX hold both."
)

_ONNX = """ONNX, with free batch size and lengths ({files}); `tokenizer.json` or `trigrams.json` \
beside them makes the ids:

```python
import onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
given = {{name: tensor.numpy() for name, tensor in student.inputs(pairs).items()}}
inputs = {{i.name: given[i.name] for i in session.get_inputs()}}
print(session.run(["logits"], inputs)[0])
```{int8}
"""
_INT8 = """

`model.int8.onnx` takes the same inputs; the section Speed says what it loses and gains."""


_VECTORS = """Its vectors, in this folder (sentence-transformers, nothing of KD Lab):

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer(".")
queries = model.encode_query(["red shoes"])
ads = model.encode_document(["Running shoes Light and cheap.", "Garden hose 20 m"])
cosine = model.similarity(queries, ads)
print(cosine)
```

An ad is title, a blank, description. `encode_query` cuts at {query_tokens} tokens and \
`encode_document` at {ad_tokens}, as training did; all vectors have length 1, so the inner product \
is the cosine. A text without a single token, such as the empty one, has no vector here."""

_STATIC = """Its vectors, in this folder (sentence-transformers, nothing of KD Lab):

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer(".")
queries = model.encode(["red shoes"])
ads = model.encode(["Running shoes Light and cheap.", "Garden hose 20 m"])
print(model.similarity(queries, ads))
```

A text is the weighted mean of the vectors of its tokens, of length 1: no attention, no order of \
words, nothing is cut. An ad is title, a blank, description. Only the order that the cosine gives \
was measured; the grades of the run do not apply to it."""

_LINKED = """The grades come from the cosine, P(grade >= k) = sigmoid(a · cosine - b of k):

```python
import torch

a, b = {scale}, torch.tensor({thresholds})
print(torch.sigmoid(a * cosine[0][:, None] - b))  # a row per ad: {above}
```"""

_HALVED = "The probability of {best} is (cosine + 1) / 2."

_LOGITS = """Its logits, in this folder (sentence-transformers, nothing of KD Lab):

```python
from sentence_transformers import CrossEncoder

model = CrossEncoder("."{code})
pairs = [
    ("red shoes", "Running shoes Light and cheap."),
    ("red shoes", "Garden hose 20 m"),
]
print(model.predict(pairs))  # a column per grade: {grades}
print(model.predict(pairs, apply_softmax=True))  # probabilities
```

The first text is the query; the second is the ad: title, a blank, description. {cut}"""

_READY = """A pair is given as its author's tools give it, cut at {pair_tokens:,} tokens in all, \
the longer text first:

```python
from sentence_transformers import CrossEncoder

model = CrossEncoder(".")


def texts(query, title, description=""):
    first = {query_text!r}.replace("{{query}}", query)
    second = {ad_text!r}.replace("{{title}}", title)
    second = second.replace("{{description}}", description).strip()
    return {pair}


pairs = [
    texts("red shoes", "Running shoes", "Light and cheap."),
    texts("red shoes", "Garden hose 20 m"),
]
logits = model.predict(pairs)
print(logits)  # {numbers}
{shares}
```
{cuts}"""
_OWN_SHARES = "print(model.predict(pairs, apply_softmax=True))  # probabilities"
_CUT_SHARES = """
import torch

a, b = {scale}, torch.tensor({thresholds})
print(torch.sigmoid(a * torch.tensor(logits)[:, None] - b))  # a row per pair: {above}"""
_CUTS = """
The grades come from its one logit, P(grade >= k) = sigmoid(a · logit - b of k). The notes under \
Data say how a and b were fitted, or that they were not."""
_TOGETHER = (
    "A pair is read as {query_text!r} and {ad_text!r}{lower}, cut at {pair_tokens:,} tokens in "
    "all, the longer text first."
)

_TRUSTED = (
    "`trust_remote_code=True` lets the library run `marked_pairs.py` of this folder (50 lines), "
    "which marks the tokens that both texts hold, as in training, and cuts the query at "
    "{query_tokens} tokens and the ad at {ad_tokens}. Without it the library refuses the folder."
)
_WHOLE = (
    "In training a query is cut at {query_tokens} tokens and an ad at {ad_tokens}, each by itself; "
    "CrossEncoder cuts a pair that is too long as a whole."
)


def usage(exported: Exported, model: Mapping[str, Any], grades: Sequence[str]) -> str:
    """The lines that load it, what they must know, and the other ways in."""
    if exported.form == SENTENCE:
        return _use_vectors(model, grades)
    if exported.form == STATIC:
        return _STATIC
    if exported.form == CROSS:
        return _use_logits(model, grades)
    return _use_script(exported, model, grades)


def _use_vectors(model: Mapping[str, Any], grades: Sequence[str]) -> str:
    link = model.get("link")
    if link is None:
        head = _HALVED.format(best=grades[-1] if grades else "the better grade")
    else:
        head = _LINKED.format(above=", ".join(f"{g} or better" for g in grades[1:]), **link)
    return "\n\n".join([_VECTORS.format(**model["params"]), head])


def _use_logits(model: Mapping[str, Any], grades: Sequence[str]) -> str:
    params, link = model["params"], model.get("link")
    if model["name"] == "ready":
        above = ", ".join(f"{grade} or better" for grade in grades[1:])
        return _READY.format(
            **params,
            pair="first.lower(), second.lower()" if params["lowercase"] else "first, second",
            numbers="a number per pair" if link else f"a column per grade: {', '.join(grades)}",
            shares=_CUT_SHARES.format(above=above, **link).strip() if link else _OWN_SHARES,
            cuts=_CUTS if link else "",
        )
    marked = bool(params.get("overlap"))
    cut = (_TRUSTED if marked else _WHOLE).format(**params)
    code = ", trust_remote_code=True" if marked else ""
    return _LOGITS.format(code=code, grades=", ".join(grades), cut=cut)


def _use_script(exported: Exported, model: Mapping[str, Any], grades: Sequence[str]) -> str:
    params, assistant = model.get("params") or {}, model.get("assistant") or {}
    plain, is_cross = exported.layout == "transformers", model.get("name") in _CROSS
    needs = "torch and transformers" if is_cross else "torch, safetensors and tokenizers"
    if not is_cross and model.get("checkpoint"):
        needs = "torch, safetensors, tokenizers and transformers"
    worst = f" Grades, worst first: {', '.join(grades)}." if grades else ""
    parts = [_LOAD.format(needs=needs, grades=worst)]
    if assistant:
        parts.append(_ASSISTED.format(what=_CORRECTS[assistant["on"]], **assistant))
    if plain and "pair_tokens" not in params:
        marked = bool(params.get("overlap"))
        parts.append(_PLAIN.format(call=_MARKED if marked else _SIMPLE))
        parts += [_OVERLAP] if marked else []
    if "pair_tokens" in params:
        lower = ", in lower case" if params["lowercase"] else ""
        parts.append(_TOGETHER.format(lower=lower, **params))
    elif is_cross:
        parts.append(_CUT.format(**params))
    else:
        crossed = _CROSSED if "crossing" in params else _COSINE
        parts.append(_TOWERS.format(search=_CORRECTED if assistant else crossed))
    if exported.onnx:
        files = ", ".join(f"`{name}`" for name in exported.onnx)
        parts.append(_ONNX.format(files=files, int8=_INT8 if exported.price else ""))
    elif exported.onnx_problem:
        parts.append(exported.onnx_problem)
    return "\n\n".join(part.strip() for part in parts)
