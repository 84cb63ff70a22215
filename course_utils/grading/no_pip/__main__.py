"""Do nothing: python -m pip ..."""
