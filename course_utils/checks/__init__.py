"""How an answer is judged, and what is said about it; nothing is recorded here."""

from functools import partial

from course_utils import _moved

__getattr__ = partial(_moved.attribute, __name__)
