"""The numbers beside the maps: what both spaces share, what each map keeps, what near means."""

from math import isfinite

import numpy as np
import streamlit as st

from app.kit import sections
from app.kit.sections import Section
from app.kit.texts import by_chance, number, percent
from app.parts.metric_cards import Card, interval, metric_cards
from app.views.map import drawing
from app.views.map.queries import maps, summary
from app.views.map.scene import Scene
from kdcore.projection.near import Near
from kdcore.projection.quality import COMPARABLE

OVERLAP = (
    "The mean share of a pair's {k} nearest pairs that are the same in both original spaces "
    "(Euclidean distance of the pooled features), not on the maps. Unrelated spaces share "
    "{chance} by chance. The 95 % interval is a bootstrap over queries. Below {least} % beyond "
    "chance, two maps cannot be compared."
)
OVER_QUERIES = (
    "The 95 % interval is over queries, by the infinitesimal jackknife: it adds up how much the "
    "value changes with the weight of each query. The queries are taken as a sample, both models "
    "as they are."
)
CKA = (
    "Linear centered kernel alignment of both models' features, 0 to 1 (Kornblith et al. 2019). "
    "Rotating or scaling a space changes nothing; it follows the directions of most variance, so "
    "it can be high while few neighbors are shared. " + OVER_QUERIES
)
RSA = (
    "Representational similarity: Spearman's rho of all distances between pairs of points in both "
    "spaces, −1 to 1 (Kriegeskorte et al. 2008); a distance is 1 minus the correlation of two "
    "feature vectors. It is measured on a seeded sample of the pairs. " + OVER_QUERIES
)
KEPT = (
    "Trustworthiness: are neighbors on the map neighbors in the space? Continuity: are neighbors "
    "in the space neighbors on the map? 1 is perfect, about 0.5 is a random map (Venna & Kaski "
    "2001). They describe this drawing of these pairs, so they have no interval, and they say "
    "nothing about the other model."
)
DRAWN_ANEW = (
    "A right UMAP is drawn anew for each left one and starts from it, so that both can be read "
    "side by side. So the same model beside another one has another map, of another "
    "trustworthiness; its space and its neighbors in it are the same."
)
CLUSTERS = (
    "Read which points are near each other. Distances between clusters, their sizes and empty "
    "space between them mean nothing on a UMAP; on a PCA only two of all directions are shown. The "
    "right map is turned and scaled as a whole to match the left one. So the axes have no ticks: "
    "neither a place nor a length has a unit."
)

EQUALLY = 1 / 3  # of the difference in P(relevant) that random pairs have
OFTEN = 1 / 4  # of the neighbors have the same query


def draw(scene: Scene) -> None:
    """The cards, and the sentences that say how to read them."""
    metric_cards(cards(scene), "map_cards", "What both spaces share, and what each map keeps")
    lines = reading(scene)
    for line in lines:
        st.caption(line)
    st.caption(f"{sampled(scene)}", help=None) if sampled(scene) else None
    sections.put("near", lambda: Section("How to read the maps", lines))
    sections.put("groups", lambda: Section("Neighbors in common", (), summary.table(scene)))


def reading(scene: Scene) -> tuple[str, ...]:
    """How to read both maps, a sentence or two each."""
    anew = (DRAWN_ANEW,) if scene.drawn.way == "umap" else ()
    return (*near_sentences(scene), CLUSTERS, *anew)


def cards(scene: Scene) -> list[Card]:
    """Overlap, CKA and RSA of both spaces, and the quality of each map."""
    geometry = scene.maps.geometry
    low, high = overlap_interval(scene)
    of_cka, of_rsa = maps.alike_of(scene.drawn, scene.board, scene.left, scene.right)
    definition = OVERLAP.format(
        k=geometry.k, chance=by_chance(geometry.chance), least=round(100 * COMPARABLE)
    )
    shared = [
        Card(
            f"Overlap@{geometry.k}",
            percent(geometry.overlap, 1),
            definition,
            n=_n(geometry.n),
            interval=interval(100 * low, 100 * high, 1, " %"),
            role="student",
        ),
        Card("Linear CKA", _shown(geometry.cka), CKA, _n(geometry.cka_n), interval(*of_cka)),
        Card("RSA", _shown(geometry.rsa), RSA, _n(geometry.rsa_n), interval(*of_rsa)),
    ]
    return shared + [
        Card(
            f"{side} {drawing.WAYS[scene.drawn.way]} keeps",
            f"{_shown(quality.trustworthiness)} / {_shown(quality.continuity)}",
            f"Trustworthiness / continuity. {KEPT}",
            n=_n(quality.n),
        )
        for side, quality in zip(("Left", "Right"), scene.drawn.layout.qualities, strict=True)
    ]


def overlap_interval(scene: Scene) -> tuple[float, float]:
    """The ends of the 95 % interval of the overlap, over queries."""
    groups = scene.board.pairs.query_ids[scene.rows]
    return maps.interval_of(scene.maps.shared, groups)


def near_sentences(scene: Scene) -> tuple[str, str]:
    """What near means in each space, one sentence each."""
    sides = zip(("Left", "Right"), scene.names, scene.models, strict=True)
    left, right = (
        _near(side, name, maps.near_of(scene.board, model)) for side, name, model in sides
    )
    return left, right


def _near(side: str, name: str, near: Near) -> str:
    """What a model's neighbors have in common, measured against random other pairs."""
    relevance = near.relevance / near.relevance_by_chance if near.relevance_by_chance else np.nan
    equally = isfinite(relevance) and relevance < EQUALLY
    same = near.same_query > max(OFTEN, 2 * near.same_query_by_chance)
    meaning = {
        (True, True): "often of the same query, and equally relevant",
        (True, False): "often of the same query",
        (False, True): "equally relevant, but seldom of the same query",
        (False, False): "seldom of the same query, and not equally relevant either",
    }[same, equally]
    return (
        f"{side}, {name}: neighbors are {meaning}. Of the {near.k} nearest, "
        f"{percent(near.same_query)} have the same query "
        f"({by_chance(near.same_query_by_chance)} by chance), and their P(relevant) differs by "
        f"{number(near.relevance, 2)} on average ({number(near.relevance_by_chance, 2)} by chance; "
        f"{near.n} sampled pairs). The features vary along about {near.dimensions:.1f} directions "
        "(participation ratio of the variances: 1 if all points lie on a line)."
    )


def sampled(scene: Scene) -> str:
    """What is measured on a sample only; "" where all is known."""
    geometry, points = scene.maps.geometry, len(scene.board.pairs)
    if scene.drawn.origin == "glance" and geometry.n < points:
        return (
            f"The neighbors of {geometry.n:,} pairs, drawn at random, were looked for among all "
            f"{points:,}; the others are gray when colored by neighbors in common. Drawing UMAP "
            "measures all of them."
        )
    if len(scene.rows) < points:
        return f"A seeded sample of {len(scene.rows):,} of {points:,} pairs is drawn and measured."
    return ""


def _n(pairs: int) -> str:
    return f"n = {pairs:,} pairs"


def _shown(value: float) -> str:
    return number(value) if isfinite(value) else "not defined"
