"""Split texts into words for the letter-trigram tokenizers, and bound the length of texts.

Two rules define a word; a tokenizer stores the name of its rule beside its trigrams, so that a
model answers as it did in training. `letters`, the older one: everything but letters and digits
separates words, separate accents and vowel signs too. `unicode`: texts are composed
(NFC), combining marks stay in their word, and scripts that write no blanks (Chinese, Japanese,
Thai, Lao, Khmer, Burmese) are cut into letters.
"""

import re
import unicodedata
from collections.abc import Iterable
from itertools import groupby

LETTERS, UNICODE = "letters", "unicode"
RULES = (UNICODE, LETTERS)

PORTION = 4096  # texts tokenized at a time
LONGEST_WORD = 100  # letters of a word piece's word; BERT's own bound
MOST_TOKENS = 448  # of a text, whatever a model's knobs say (catalog.EncoderParams.ad_tokens)
LONGEST_TEXT = MOST_TOKENS * (LONGEST_WORD + 1)  # letters that so many words can fill
_MOST_LETTERS = 1_000_000  # of a text, however its blanks lie

# scripts that write no blanks between words: kana, bopomofo, ideographs, Thai, Lao, Burmese, Khmer
_NO_BLANKS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)


def _marks() -> str:
    """Return the combining marks of Unicode's first two planes as ranges of a regex."""
    points = [i for i in range(0x300, 0x20000) if unicodedata.category(chr(i))[0] == "M"]
    runs = [[i for _, i in run] for _, run in groupby(enumerate(points), lambda at: at[1] - at[0])]
    return "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in runs)


_MARKS = _marks()
_NOT_A_LETTER = re.compile(r"[^\w ]|_")
_NOT_A_WORD = re.compile(rf"[^\w{_MARKS} ]|_")
_ALONE = re.compile(rf"([{_NO_BLANKS}])([{_MARKS}]*)")
_JOINERS = re.compile("[\u200c\u200d]")  # shape letters inside a word, as Persian and Hindi do


def words_of(text: str, rule: str = UNICODE, strip_accents: bool = False) -> list[str]:
    """Split a text into lower-cased words; strip_accents removes accents, as BERT does."""
    if strip_accents and not text.isascii():
        letters = unicodedata.normalize("NFD", text.lower())
        text = "".join(c for c in letters if unicodedata.category(c) != "Mn")
    if rule == LETTERS or text.isascii():
        return _NOT_A_LETTER.sub(" ", text.lower()).split()
    composed = unicodedata.normalize("NFC", _JOINERS.sub("", text.lower()))
    return _ALONE.sub(r" \1\2 ", _NOT_A_WORD.sub(" ", composed)).split()


def cut(word: str) -> list[str]:
    """Split `#word#` into len(word) letter trigrams."""
    marked = f"#{word}#"
    return [marked[i : i + 3] for i in range(max(len(marked) - 2, 1))]


def readable(text: str) -> str:
    """Shorten a text to what any model can read.

    A blob of megabytes (a picture pasted into a description) would block a tokenizer for minutes;
    only its first words, and of each word the first letters, are used.
    """
    if len(text) <= LONGEST_TEXT:
        return text
    words = text.split(maxsplit=MOST_TOKENS + 1)[: MOST_TOKENS + 1]
    return " ".join(word[:LONGEST_TEXT] for word in words)[:_MOST_LETTERS]


def portions(texts: Iterable[str], most: int) -> Iterable[list[str]]:
    """Yield readable texts in portions of at most `most` texts and about a million letters."""
    part: list[str] = []
    letters = 0
    for text in map(readable, texts):
        if part and (len(part) == most or letters + len(text) > _MOST_LETTERS):
            yield part
            part, letters = [], 0
        part.append(text)
        letters += len(text)
    if part:
        yield part
