"""Attention, built by hand in NumPy: the functions that the lessons build."""

from course_utils.lookup import hard_lookup, soft_lookup
from course_utils.softmax import softmax

__all__ = ["hard_lookup", "soft_lookup", "softmax"]
