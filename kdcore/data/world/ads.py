"""Write ads for offers: a title of 3-8 words, a description of 6-16, together every facet."""

from functools import cache
from typing import Any

from kdcore.data.world.catalogue import Catalogue, catalogue
from kdcore.data.world.draws import Draws
from kdcore.data.world.needs import NONE
from kdcore.data.world.offers import Offers
from kdcore.data.world.queries import favorite, templates

MIN_TITLE, MAX_TITLE = 3, 8
MIN_TEXT, MAX_TEXT = 6, 16
_STYLES = 24
Phrase = tuple[str, int]  # a wording and its number of words


def write_ads(offers: Offers, draws: Draws) -> tuple[list[str], list[str]]:
    """Write titles and descriptions, one of each per offer."""
    words = _words()
    styles = draws.styles(len(offers), _STYLES).tolist()
    columns = (offers.type, offers.kind, offers.brand, offers.value_1, offers.value_2)
    extras = (offers.place, offers.price, offers.spam)
    rows = zip(*(column.tolist() for column in (*columns, *extras)), strict=True)
    titles, descriptions = [], []
    for row, style in zip(rows, styles, strict=True):
        title, description = _ad(words, row, style)
        titles.append(title)
        descriptions.append(description)
    return titles, descriptions


def _phrase(text: str) -> Phrase:
    return text, text.count(" ") + 1


def _phrases(texts: list[str]) -> list[Phrase]:
    return [_phrase(text) for text in texts]


def _size(phrase: Phrase) -> int:
    return phrase[1]


def _headline(text: str) -> str:
    return " ".join(word[:1].upper() + word[1:] for word in text.split(" "))


class _Words:
    """The wordings that ads use, with their lengths counted once."""

    def __init__(self, cat: Catalogue) -> None:
        phrases: dict[str, Any] = cat.texts["phrases"]
        names: dict[str, list[str]] = cat.texts["names"]
        self.types = [_phrases([_headline(n) for n in group]) for group in cat.type_names]
        self.also = [
            [_phrase(p.replace("{x}", n)) for n in group for p in phrases["ad_also"]]
            for group in cat.type_names
        ]
        self.values = [_phrases([_headline(n) for n in group]) for group in cat.value_names]
        self.bare = [min(_phrases(list(group)), key=lambda p: p[1]) for group in cat.value_names]
        self.phrases = [
            [_phrase(ad.replace("{v}", n)) for n in group for ad in cat.kind_ads[kind]]
            for group, kind in zip(cat.value_names, cat.value_kind.tolist(), strict=True)
        ]
        self.brands = _phrases(list(cat.brands))
        self.brand_phrases = [
            [_phrase(p.replace("{v}", b)) for p in phrases["ad_brand"]] for b in cat.brands
        ]
        self.places = [[_phrase("in " + p), _phrase(p)] for p in cat.places]
        self.place_phrases = [
            [_phrase(t.replace("{p}", p)) for t in phrases["ad_place"]] for p in cat.places
        ]
        self.prices: list[str] = phrases["ad_price"]
        self.hooks = [[_phrases(list(h)) for h in row] for row in templates(cat, "title")]
        self.deeds = [[_phrases(list(d)) for d in row] for row in templates(cat, "description")]
        self.fills = _phrases(phrases["fill"])
        self.fill_titles = _phrases(phrases["fill_title"])
        self.spam = _phrases(phrases["spam"])
        by_vertical = [_phrases(list(p)) for p in cat.vertical_phrases]
        self.selling = [by_vertical[v] for v in cat.type_vertical.tolist()]
        self.lines = _phrases(names["lines"])
        self.shop_phrases = [
            [_phrase(p.replace("{v}", s)) for p in phrases["ad_shop"]] for s in names["shops"]
        ]
        self.login = cat.intent("login")


@cache
def _words() -> _Words:
    return _Words(catalogue())


def _ad(words: _Words, row: tuple[int, ...], s: list[int]) -> tuple[str, str]:
    kind = row[0]
    if row[1] == words.login:
        return _sign_in(words, kind, row[1], row[2], s)
    title, left = _title(words, row, s)
    return title, _description(words, row, left, s)


def _title(words: _Words, row: tuple[int, ...], s: list[int]) -> tuple[str, list[int]]:
    """Write the title; return it and the facets left to the description (positions in the row)."""
    kind, deed, brand, value_1, value_2, place, price, _ = row
    names = words.types[kind]
    name, used = favorite(names, s[0])
    left: list[int] = []
    head, tail = "", ""
    if brand != NONE:
        head, used = _brand(words, brand, used, s)
        if not head:
            left.append(2)
    for position, value, style in ((3, value_1, s[4]), (4, value_2, s[5])):
        if value == NONE:
            continue
        text, size = favorite(words.values[value], style)
        if style % 5 < 3 and used + size <= MAX_TITLE:
            name = f"{text} {name}" if style % 7 else f"{name} {text}"
            used += size
        else:
            left.append(position)
    if place != NONE:
        text, size = words.places[place][s[6] % 2]
        if s[6] % 5 < 3 and used + size <= MAX_TITLE:
            name, used = f"{name} {text}", used + size
        else:
            left.append(5)
    hooks = words.hooks[kind][deed]
    text, size = hooks[s[7] % len(hooks)]
    if (s[8] % 3 or used < MIN_TITLE) and used + size <= MAX_TITLE:
        tail, used = (" - " if s[9] % 3 else " | ") + text, used + size
    elif deed:
        left.append(1)
    if used < MIN_TITLE:
        text, size = words.fill_titles[s[10] % len(words.fill_titles)]
        tail += " - " + text
    if price != NONE:
        left.append(6)
    return head + name + tail, left


def _brand(words: _Words, brand: int, used: int, s: list[int]) -> Phrase:
    """Write brand and perhaps model name for a title; "" leaves them to the description."""
    text, size = words.brands[brand]
    if s[1] % 4 == 0 or used + size >= MAX_TITLE:
        return "", used
    used += size
    if s[2] % 6 == 0:
        line, size = words.lines[_long_tail(s[3], len(words.lines))]
        if used + size <= MAX_TITLE:
            return f"{text} {line} ", used + size
    return text + " ", used


def _description(words: _Words, row: tuple[int, ...], left: list[int], s: list[int]) -> str:
    kind, deed, brand, _, _, place, price, spam = row
    phrases: dict[int, list[Phrase]] = {}
    for position in left:
        if position == 1:
            phrases[position] = words.deeds[kind][deed]
        elif position == 2:
            phrases[position] = words.brand_phrases[brand]
        elif position == 5:
            phrases[position] = words.place_phrases[place]
        elif position == 6:
            phrases[position] = [
                (words.prices[s[11] % len(words.prices)].replace("{n}", str(price)), 2)
            ]
        else:
            phrases[position] = words.phrases[row[position]]
    if spam:
        phrases[7] = words.spam
    parts = [choices[s[11 + position] % len(choices)] for position, choices in phrases.items()]
    used = sum(size for _, size in parts)
    if used > MAX_TEXT:  # the shortest wordings always fit
        parts = [words.bare[row[p]] if p in (3, 4) else min(phrases[p], key=_size) for p in phrases]
        used = sum(size for _, size in parts)
    if s[18] % 5 < 2:
        used = _add(parts, words.also[kind], s[19], used)
    if s[20] % 6 == 0:
        shop = words.shop_phrases[_long_tail(s[20] // 6, len(words.shop_phrases))]
        used = _add(parts, shop, s[21], used)
    if deed and s[12] % 2 and 1 not in left:
        used = _add(parts, words.deeds[kind][deed], s[12], used)
    target, selling = MIN_TEXT + s[22] % 6, words.selling[kind]
    for step in range(6):
        if used >= target and used >= MIN_TEXT:
            break
        pool = words.fills if (s[23] >> step) & 1 else selling
        used = _add(parts, pool, s[21] + step * 7, used)
    return _sentences(parts, s[22])


def _add(parts: list[Phrase], pool: list[Phrase], style: int, used: int) -> int:
    phrase = pool[style % len(pool)]
    if used + phrase[1] > MAX_TEXT or phrase in parts:
        return used
    parts.append(phrase)
    return used + phrase[1]


def _sentences(parts: list[Phrase], style: int) -> str:
    """Join the parts in a rotated order, as short sentences."""
    start = style % len(parts)
    texts = [text for text, _ in parts[start:] + parts[:start]]
    mark = ", " if style & 1 else ". "
    if mark == ". ":
        texts = [text[:1].upper() + text[1:] for text in texts]
    text = mark.join(texts)
    return text[:1].upper() + text[1:] + "."


def _sign_in(words: _Words, kind: int, deed: int, brand: int, s: list[int]) -> tuple[str, str]:
    """Write the ad of a brand's sign-in page, which names no product."""
    text, size = words.brands[brand]
    hook, more = words.hooks[kind][deed][s[7] % len(words.hooks[kind][deed])]
    title = f"{text} {hook}" if s[8] % 2 else f"{text} - {hook}"
    if size + more < MIN_TITLE:
        title += " - " + words.fill_titles[s[10] % len(words.fill_titles)][0]
    parts = [words.deeds[kind][deed][s[12] % len(words.deeds[kind][deed])]]
    used = parts[0][1]
    for step in range(6):
        if used >= MIN_TEXT + 2:
            break
        used = _add(parts, words.fills, s[21] + step * 7, used)
    return title, _sentences(parts, s[22])


def _long_tail(style: int, n: int) -> int:
    """Return an index with a head and a tail: the product of two uniform ranks."""
    return (style % n) * ((style * 31 + 7) % n) // n
