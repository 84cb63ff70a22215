"""Places in a learner's cell, and how they are shown.

The grader uses this module inside its sandbox, so it imports nothing of the course.
"""

import ast


class Place:
    """Part of a line of a cell, and what is to be said of it.

    - `line`: the number of the line, from 1.
    - `text`: the line.
    - `start`, `stop`: which part of the text to look at.
    - `lead`: what is known.
    - `question`: what a teacher would ask about the place, or say of it.
    """

    line: int
    text: str
    start: int
    stop: int
    lead: str
    question: str

    @property
    def parts(self) -> tuple[str, str, str]:
        """The line as three pieces: before what to look at, that, and after."""
        text = self.text
        return text[: self.start], text[self.start : self.stop], text[self.stop :]

    @property
    def message(self) -> str:
        """Name the place and ask the question, in one line."""
        where = f"look at `{self.parts[1]}` in line {self.line} of the cell"
        return f"{self.lead}: {where}: {self.question}"

    def __str__(self) -> str:
        below = " " * self.start + "^" * (self.stop - self.start)
        return (
            f"{_begun(self.lead)}. Look at line {self.line} of the cell:\n"
            f"    {self.text}\n    {below}\n{_begun(self.question)}"
        )


def place_of_node(node: ast.AST, lines: list[str]) -> tuple[int, str, int, int]:
    """Return the line of a node, its text, and which part of it the node is."""
    line, stop = node.lineno, node.end_col_offset
    if node.end_lineno != line:
        stop = len(lines[line - 1].encode())
    return place_between(line, node.col_offset, stop, lines)


def place_between(
    line: int, start: int, stop: int, lines: list[str]
) -> tuple[int, str, int, int]:
    """Return a line, its text, and which part of it lies between two of its bytes."""
    whole = lines[line - 1].encode()
    text = whole.decode().strip()
    indent = len(whole) - len(whole.lstrip())
    start, stop = (len(whole[indent:x].decode()) for x in (start, stop))
    return line, text, start, min(stop, len(text))


def _begun(words: str) -> str:
    return words[0].upper() + words[1:]
