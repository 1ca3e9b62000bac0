"""sentence-transformers, in a process of its own, gives the vectors of our towers."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from tests.models.pretrained.folders import ARCHITECTURES, encoder_folder, sentence_folder
from tests.models.towers.conftest import ADS, PAIRS, QUERIES, TEXTS, load

POOLINGS = ("mean", "cls", "max", "lasttoken")
SCRIPT = """
import sys
import numpy as np
from sentence_transformers import SentenceTransformer
_, queries, ads, *folders = sys.argv
for folder in folders:
    model = SentenceTransformer(folder, device="cpu")
    query = model.encode_query(queries.splitlines())
    np.savez(folder + "/vectors.npz", query=query, ad=model.encode_document(ads.splitlines()))
"""


@pytest.mark.slow
def test_every_architecture_and_pooling_gives_the_vectors_of_sentence_transformers(tmp_path):
    prompts = {"query": "query: ", "document": "passage: "}
    folders = []
    for i, architecture in enumerate(ARCHITECTURES):
        folder = encoder_folder(tmp_path / architecture, architecture, TEXTS)
        more = {"dense": 12 if i % 2 else 0, "normalize": i % 3 > 0, "prompts": prompts}
        folders.append(sentence_folder(folder, POOLINGS[i % 4], **more))
    ads = [f"{title} cheap" for title in ADS]
    texts = ["\n".join(QUERIES), "\n".join(ads)]
    subprocess.run([sys.executable, "-c", SCRIPT, *texts, *map(str, folders)], check=True)
    for folder in folders:
        model = load(folder, query_tokens=40)
        with torch.no_grad():
            query, ad = model.vectors(model.batch(model.read(PAIRS), np.arange(4)))
        stored = np.load(folder / "vectors.npz")
        np.testing.assert_allclose(query.numpy(), stored["query"], rtol=0, atol=1e-5)
        np.testing.assert_allclose(ad.numpy(), stored["ad"], rtol=0, atol=1e-5)
