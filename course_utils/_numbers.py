"""How a number is written for people."""


def number(x: float, digits: int = 2) -> str:
    """Write a number with a true minus sign, and no minus before zero."""
    return f"{round(float(x), digits) + 0.0:.{digits}f}".replace("-", "−")
