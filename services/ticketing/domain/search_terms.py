"""How the search finds words, Chinese and English alike.

Latin words and numbers are terms as a whole; runs of Chinese, Japanese or Korean characters are cut into
overlapping pairs (bigrams), because such text has no spaces. Positions are kept, so that a longer run is
found only where its pairs stand next to each other. The database indexes the terms (GIN on tsvector), and a
word of two characters is one term: nothing is scanned.
"""

import re
import unicodedata
from collections.abc import Iterator

MAX_TERM_LENGTH = 64
# A tsvector keeps no position above this one; a text that long is found by its beginning.
MAX_POSITION = 16_383
MAX_QUERY_WORDS = 16

_HAN = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
_RUN = re.compile(rf"(?P<han>[{_HAN}]+)|(?P<word>[^\W_{_HAN}]+)")


def search_vector(text: str) -> str:
    """The terms of a text in tsvector notation, e.g. `'vpn':1 '退款':2 '款失':3 '失':4`."""
    places: dict[str, list[int]] = {}
    for position, term in enumerate(_terms(text), 1):
        if position > MAX_POSITION:
            break
        places.setdefault(term, []).append(position)
    return " ".join(f"'{term}':{','.join(map(str, at))}" for term, at in places.items())


def search_query(text: str) -> str | None:
    """What finds all words of `text` in tsquery notation, or None when there is nothing to look for.

    A Latin word also finds longer words that begin with it; one Chinese character finds every word with it.
    """
    wanted: list[str] = []
    for run in _runs(text):
        if len(wanted) == MAX_QUERY_WORDS:
            break
        if run["word"]:
            wanted.append(f"'{run['word'][:MAX_TERM_LENGTH]}':*")
        elif len(run["han"]) == 1:
            wanted.append(f"'{run['han']}':*")
        else:
            wanted.append(
                "(" + " <-> ".join(f"'{pair}'" for pair in _pairs(run["han"][:MAX_TERM_LENGTH])) + ")"
            )
    return " & ".join(wanted) or None


def _terms(text: str) -> Iterator[str]:
    for run in _runs(text):
        if run["word"]:
            yield run["word"][:MAX_TERM_LENGTH]
        else:
            yield from _pairs(run["han"])
            # The last character alone, so that the search for one character finds it by its beginning.
            yield run["han"][-1]


def _runs(text: str) -> Iterator[re.Match[str]]:
    return _RUN.finditer(unicodedata.normalize("NFKC", text).casefold())


def _pairs(run: str) -> Iterator[str]:
    return (run[at : at + 2] for at in range(len(run) - 1))
