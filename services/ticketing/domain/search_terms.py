"""How the search finds words, Chinese and English alike.

Latin words and numbers are terms as a whole; runs of Chinese, Japanese or Korean characters are cut into
overlapping pairs (bigrams), because such text has no spaces. Pairs keep their positions, so that a longer run
is found only where its pairs stand next to each other. The database indexes the terms (GIN on tsvector), and a
word of two characters is one term: nothing is scanned.
"""

import re
import unicodedata

# A longer word is several terms, in the text as in the query.
MAX_TERM_LENGTH = 64
MAX_QUERY_WORDS = 16

_HAN = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
_RUNS = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]{{1,{MAX_TERM_LENGTH}}}")
_ASCII_RUNS = re.compile(rf"[a-z0-9]{{1,{MAX_TERM_LENGTH}}}")
_IS_HAN = re.compile(rf"[{_HAN}]").match


def search_vector(text: str) -> str:
    """The terms of a text in tsvector notation, e.g. `'vpn' '退款':1 '款失':2 '失':3`.

    On the path of every ticket that is opened, hence the short cut for plain English.
    """
    if text.isascii():
        words = dict.fromkeys(_runs(text))
        return "'" + "' '".join(words) + "'" if words else ""
    places: dict[str, list[str]] = {}
    position = 0
    for run in _runs(text):
        if not _IS_HAN(run):
            places.setdefault(run, [])
            continue
        # The last character alone as well, so that the search for one character finds it by its beginning.
        for term in (*_pairs(run), run[-1]):
            position += 1
            places.setdefault(term, []).append(str(position))
    return " ".join(f"'{term}':{','.join(at)}" if at else f"'{term}'" for term, at in places.items())


def search_query(text: str) -> str | None:
    """What finds all words of `text` in tsquery notation, or None when there is nothing to look for.

    A Latin word also finds longer words that begin with it; one Chinese character finds every word with it.
    """
    wanted: list[str] = []
    for run in _runs(text)[:MAX_QUERY_WORDS]:
        if len(run) > 1 and _IS_HAN(run):
            wanted.append("(" + " <-> ".join(f"'{pair}'" for pair in _pairs(run)) + ")")
        else:
            wanted.append(f"'{run}':*")
    return " & ".join(wanted) or None


def _runs(text: str) -> list[str]:
    if text.isascii():
        return _ASCII_RUNS.findall(text.lower())
    return _RUNS.findall(unicodedata.normalize("NFKC", text).casefold())


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)]
