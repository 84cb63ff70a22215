"""How a token's vector is cut into heads, and what is kept of it."""

from collections.abc import Sequence

from course_utils.figures.svg import (
    BOTTOM,
    HEIGHT,
    TOP,
    WIDTH,
    Mark,
    element,
    line,
    text,
    titled,
)

LEFT, FULL = 68, 312  # the width of the names at the left, and of a whole vector


def cut(num_heads: int, num_kv_heads: int, *, d_head: int, title: str) -> Mark:
    """Draw the query of a token cut into heads, and the keys and values they share.

    A box is one head's part of a vector, as wide as its share of all queries. A line
    leads from every query head to the key-value head that it uses.

    - `num_heads`: number of query heads.
    - `num_kv_heads`: number of key-value heads, a divisor of `num_heads`.
    - `d_head`: how many numbers a head has.
    - `title`: what the mark shows.

    Raises ValueError if `num_kv_heads` does not divide `num_heads`.
    """
    if num_heads < 1 or num_kv_heads < 1 or num_heads % num_kv_heads:
        raise ValueError(
            f"num_kv_heads must divide num_heads = {num_heads}; got {num_kv_heads}"
        )
    g = titled(title, "each box: the numbers of one head")
    width, group = FULL / num_heads, num_heads // num_kv_heads
    high, gap = 42, min(4, width / 4)
    rows = {"queries": TOP + 24, "keys": TOP + 136, "values": TOP + 190}
    shared = [LEFT + width * group * (j + 0.5) for j in range(num_kv_heads)]
    for i in range(num_heads):
        centre, to = LEFT + width * (i + 0.5), shared[i // group]
        ends = [centre, rows["queries"] + high], [to, rows["keys"]]
        line(g, *ends, "grey-line")
        g[-1].set("stroke-width", "1.5" if num_heads < 16 else "1")
    for name, top in rows.items():
        queries = name == "queries"
        text(g, LEFT - 10, top + high / 2 + 5, name, "", "end")
        for i in range(num_heads if queries else num_kv_heads):
            centre = LEFT + width * (i + 0.5) if queries else shared[i]
            box = {"x": centre - width / 2 + gap / 2, "y": top, "rx": min(3, gap)}
            box |= {"width": width - gap, "height": high}
            colour = "blue" if queries else "vermilion"
            element("rect", box | {"class": colour}, g)
    each = f"{num_heads} × {d_head:,} = {num_heads * d_head:,} numbers"
    kept = f"{num_kv_heads} × {d_head:,} = {num_kv_heads * d_head:,} numbers each"
    text(g, LEFT, rows["queries"] - 8, each, "strong")
    text(g, LEFT, rows["values"] + high + 20, kept, "strong")
    asked = f"{num_heads} query heads of {d_head:,} numbers"
    answers = f"{num_kv_heads} heads of keys and of values"
    words = f"{title}: {asked} use {answers}, {kept}."
    return Mark(g, words, LEFT + FULL)


def gauges(rows: Sequence[tuple[str, float, float, str]], *, title: str) -> Mark:
    """Draw quantities of different kinds as bars, each on a scale of its own.

    - `rows`: for each its name, its amount, the most that it can be, from which its
      bar is full, and the amount in words, with its unit.
    - `title`: what the mark shows.

    Raises ValueError if an amount is negative or above its most.
    """
    g = titled(title, "full bar: the most it can be here")
    step = (BOTTOM - TOP + 20) / len(rows)
    for i, (name, amount, most, words) in enumerate(rows):
        if not 0 <= amount <= most:
            raise ValueError(f"{name!r} must be from 0 to {most}; got {amount}")
        y = TOP + step * i + 18
        text(g, 0, y, name)
        box = {"x": 0, "y": y + 8, "height": 20, "rx": 2}
        whole = {"width": WIDTH, "class": "grey", "fill-opacity": 0.15}
        element("rect", box | whole, g)
        share = {"width": max(1.5, WIDTH * amount / most), "class": "blue"}
        element("rect", box | share, g)
        text(g, 0, y + 46, words, "strong")
    listed = "; ".join(f"{name}: {words}" for name, _, _, words in rows)
    return Mark(g, f"{title}: {listed}.", WIDTH, HEIGHT)
