"""Write the first sentence of each function of the course, which lesson 16 searches.

    python3 tools/make_toolbox.py

The questions in the file, and their answers, stay as they are.
"""

import inspect
import json

import course_utils
from course_utils.models.searching import TOOLBOX


def first_sentence(name: str) -> str:
    """Return the first line of a docstring; it may be wrapped."""
    text = inspect.getdoc(getattr(course_utils, name)) or ""
    return " ".join(text.split("\n\n")[0].split())


def main() -> None:
    """Write the file anew."""
    stored = json.loads(TOOLBOX.read_text(encoding="utf-8"))
    stored["functions"] = {x: first_sentence(x) for x in course_utils.__all__}
    text = json.dumps(stored, indent=1, ensure_ascii=False)
    TOOLBOX.write_text(f"{text}\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
