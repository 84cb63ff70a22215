"""How many examples and which shapes are compared with PyTorch's optimisers."""

from hypothesis import settings
from hypothesis import strategies as st

# Enough draws for more than 500 different shapes a function.
many = settings(max_examples=1200)
wide = st.integers(1, 24)
shapes = st.tuples(wide, wide, wide) | st.tuples(wide, wide)
