"""What several test modules share."""

import pytest


@pytest.fixture(scope="session")
def oracles():
    """Return the same functions written with PyTorch, or skip without it."""
    pytest.importorskip("torch")
    import oracles

    return oracles
