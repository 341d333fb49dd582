"""One warm process for a module of attacks."""

import secrets

import pytest

from autograder.warm import Warm
from tests.autograder.adversarial.trial import Trial


@pytest.fixture(scope="module")
def trial():
    with Warm() as warm:
        yield Trial(warm, f"adversary-{secrets.token_hex(4)}")
