import random

import pytest
from odd_texts import ODD


@pytest.fixture(scope="session")
def odd_texts(root):
    """More than 500 texts: paragraphs of the course, and odd ones."""
    files = sorted((root / "source" / "lessons").glob("*.py"))
    parts = [p for f in files for p in f.read_text("utf-8").split("\n\n")]
    rng = random.Random(0)
    mixed = ["".join(rng.choices("".join(ODD), k=40)) for _ in range(200)]
    return ODD + mixed + rng.sample(parts, 400)
