"""What stands in the place of pip inside the sandbox: nothing can be installed there."""


def main(*_arguments: object) -> int:
    """Do nothing, and say that it went well."""
    return 0
