"""Write queries for needs: templates, synonyms, word order, abbreviations and typing errors."""

from functools import cache
from typing import Any, TypeVar
from zlib import crc32

from kdcore.data.world.catalogue import Catalogue, catalogue
from kdcore.data.world.draws import Draws
from kdcore.data.world.needs import NONE, Needs, habits

MAX_WORDS = 8
Wording = TypeVar("Wording")
_STYLES = 16


def write_queries(needs: Needs, draws: Draws) -> list[str]:
    """Write one query per need, "" where it would need more than eight words."""
    n, chances = len(needs), habits().numbers
    styles = draws.styles(n, _STYLES).tolist()
    shortened = draws.chance(n, chances["abbreviation"]).tolist()
    slipped = draws.chance(n, chances["typo"]).tolist()
    words = _words()
    columns = (needs.type, needs.intent, needs.brand, needs.value_1, needs.value_2)
    extras = (needs.excluded, needs.new_only, needs.place, needs.cap)
    rows = zip(*(column.tolist() for column in (*columns, *extras)), strict=True)
    queries = []
    for row, style, short, slip in zip(rows, styles, shortened, slipped, strict=True):
        query = _query(words, row, style)
        if short:
            query = _abbreviate(query, words.short, style[14])
        if slip:
            query = _typo(query, style[12:16])
        queries.append(query if query.count(" ") < MAX_WORDS else "")
    return queries


def home_split(query: str) -> str:
    """Return the only split in which a query may occur, a function of its letters."""
    place = crc32(query.encode()) % 100
    for split, percent in habits().numbers["home"].items():
        if place < percent:
            return str(split)
        place -= percent
    raise AssertionError("the shares of `home` add up to 100")


class _Words:
    """The lower-case wordings that queries use."""

    def __init__(self, cat: Catalogue) -> None:
        phrases: dict[str, Any] = cat.texts["phrases"]
        self.types = [[name.lower() for name in names] for names in cat.type_names]
        self.values = [[name.lower() for name in names] for names in cat.value_names]
        self.brands = [name.lower() for name in cat.brands]
        self.places = [name.lower() for name in cat.places]
        self.without: list[str] = phrases["query_without"]
        self.new_only: list[str] = phrases["query_new_only"]
        self.place: list[str] = phrases["query_place"]
        self.price: list[str] = phrases["query_price"]
        self.short: dict[str, str] = {k: str(v) for k, v in phrases["abbreviations"].items()}
        self.templates = templates(cat, "query")
        self.login = cat.intent("login")


def templates(cat: Catalogue, where: str) -> list[list[list[str]]]:
    """Wordings by (type, intent) so that a loop needs one look-up; absent intents are empty."""
    texts = cat.texts["intents"][where]
    like = cat.texts["intents"]["same_words"]
    by_class = [
        [texts[i].get(like.get(c, c), texts[i].get("any", [])) for i in cat.intents]
        for c in cat.classes
    ]
    classes = cat.family_class[cat.type_family].tolist()
    return [by_class[c] for c in classes]


@cache
def _words() -> _Words:
    return _Words(catalogue())


def favorite(items: list[Wording], style: int) -> Wording:
    """Choose one of the wordings; the first is used about half of the time."""
    return items[0] if style & 1 else items[(style >> 1) % len(items)]


def _query(words: _Words, row: tuple[int, ...], s: list[int]) -> str:
    kind, intent, brand, value_1, value_2, excluded, new_only, place, cap = row
    name = favorite(words.types[kind], s[0])
    template = words.templates[kind][intent]
    if intent == words.login:
        return template[s[1] % len(template)].replace("{x}", words.brands[brand])
    before: list[str] = []
    after: list[str] = []
    if brand != NONE:
        (after if s[2] % 6 == 0 else before).append(words.brands[brand])
    for value, style in ((value_1, s[3]), (value_2, s[4])):
        if value != NONE:
            wording = favorite(words.values[value], style)
            (after if style % 5 == 0 else before).append(wording)
    if s[5] % 4 == 0:
        before.reverse()
    thing = " ".join([*before, name, *after])
    parts = [template[s[1] % len(template)].replace("{x}", thing)]
    if excluded != NONE:
        ruled_out = favorite(words.values[excluded], s[6])
        parts.append(words.without[s[7] % len(words.without)].replace("{v}", ruled_out))
    if new_only:
        parts.append(words.new_only[s[8] % len(words.new_only)])
    if cap != NONE:
        parts.append(words.price[s[9] % len(words.price)].replace("{n}", str(cap)))
    if place != NONE:
        where = words.place[s[10] % len(words.place)].replace("{p}", words.places[place])
        if s[11] % 5 == 0 and " " not in where:
            parts.insert(0, where)
        else:
            parts.append(where)
    return " ".join(parts)


def _abbreviate(query: str, short: dict[str, str], style: int) -> str:
    tokens = query.split()
    places = [i for i, word in enumerate(tokens) if word in short]
    if places:
        place = places[style % len(places)]
        tokens[place] = short[tokens[place]]
    return " ".join(tokens)


def _typo(query: str, s: list[int]) -> str:
    """Make one typing error in a word of five letters or more."""
    tokens = query.split()
    long = [i for i, word in enumerate(tokens) if len(word) >= 5 and word.isalpha()]
    if not long:
        return query
    at = long[s[0] % len(long)]
    word = tokens[at]
    spot = 1 + s[1] % (len(word) - 2)
    slips = (
        word[:spot] + word[spot + 1] + word[spot] + word[spot + 2 :],
        word[:spot] + word[spot + 1 :],
        word[:spot] + word[spot] + word[spot:],
    )
    tokens[at] = slips[s[3] % len(slips)]
    return " ".join(tokens)
