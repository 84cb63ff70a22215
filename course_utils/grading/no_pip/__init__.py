"""Stands in the place of pip in the sandbox, where nothing can be installed."""


def main(*_arguments: object) -> int:
    """Do nothing, and say that it went well."""
    return 0
