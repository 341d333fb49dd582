"""How easy a text is to read: Flesch's reading ease, with syllables counted by the spelling."""

import re

WORD = re.compile(r"[A-Za-z][A-Za-z'’]*")
END = re.compile(r"[.!?:;](?:\s|$)")
VOWELS = re.compile(r"[aeiouy]+")
SPOKEN_ENDS = ("le", "les", "ted", "ded", "ses", "ces", "ges", "zes", "xes", "ches", "shes")


def reading_ease(blocks: list[str]) -> float | None:
    """Flesch's score of paragraphs and list items (100 very easy, 60 plain English, 30 hard); None without words.

    206.835 - 1.015 words/sentences - 84.6 syllables/words (Flesch 1948). A block ends a sentence.
    """
    words = [word for block in blocks for word in WORD.findall(block)]
    sentences = sum(max(1, len(END.findall(block))) for block in blocks if WORD.search(block))
    if not words:
        return None
    syllables = sum(count_syllables(word) for word in words)
    return 206.835 - 1.015 * len(words) / sentences - 84.6 * syllables / len(words)


def count_syllables(word: str) -> int:
    """The vowel groups of a word, without a silent e at its end; at least one."""
    plain = re.sub(r"['’]s?$", "", word.lower())
    plain = re.sub(r"ia(?!g)|io(?!us|n)|iu", "i-a", plain)  # two vowels that are spoken apart: variation has four
    groups = len(VOWELS.findall(plain))
    silent = re.search(r"[^aeiouy](?:e|es|ed)$", plain) and not plain.endswith(SPOKEN_ENDS)
    return max(1, groups - bool(silent))
