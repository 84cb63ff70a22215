"""Attention, built by hand in NumPy: the functions behind the lessons."""
