"""Refusals: what the exchange does not do, as a status code and one sentence."""

from campus.errors import CampusError


class Refusal(CampusError):
    """A request that is refused; `status` is HTTP's code for it, and the text is the sentence to show."""

    def __init__(self, status: int, sentence: str):
        super().__init__(sentence)
        self.status = status


def printable(text: object, most: int = 80) -> str:
    """Somebody's text as it may stand in a sentence, a header or a log: one line of printable letters."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(text))[:most]
