"""One meaning for each word: names in the code, as docs/architecture.rst explains them."""

import re

import pytest
from tree import ROOT, files, names

CODE = names(files("cpp", ".h", ".cc") + files("src/gevent", ".py", ".pyx", ".pxi", ".pxd"))
#: A word that names begin, end or are made with, and whose names these may be: patterns of paths, with what it means.
MEANINGS = {
    "plain": (r"/(http\w*|pywsgi|server|baseserver)[./]", "a request, or a server, none of whose steps is overridden"),
    "park": (r"^cpp/python/|^src/gevent/", "a greenlet waits, by an object of cpp/python/wait"),
}
STRINGS_AND_REMARKS = re.compile(r'"""(?:.|\n)*?"""|"(?:[^"\\\n]|\\.)*"|//[^\n]*|#(?!\s*(?:include|define))[^\n]*')


def names_in(path):
    text = STRINGS_AND_REMARKS.sub("", (ROOT / path).read_text(encoding="utf-8"))
    return set(re.findall(r"[A-Za-z_]\w*", text))


def words_of(name):
    return re.findall(r"[a-z]+", re.sub(r"([A-Z])", r"_\1", name).lower())


@pytest.mark.parametrize("word", MEANINGS)
def test_a_word_names_one_thing_only(word):
    where, meaning = MEANINGS[word]
    stray = [
        f"{path}: {name}"
        for path in CODE
        if not re.search(where, path)
        for name in names_in(path)
        if word in words_of(name)
    ]
    assert not stray, f"{word} means: {meaning}"
