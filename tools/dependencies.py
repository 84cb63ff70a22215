"""What the outputs of a notebook depend on, beside its own code.

That is every module of the course that the code uses, every module that these use,
and so on; every data file that one of them names; and the pinned version of each
library that one of them imports. A name is followed to the module that defines it:
`from course_utils import softmax` and `course_utils.softmax` lead to
course_utils/softmax.py, and not to all that the package holds. A package that is
used in another way counts as a whole.

What a module computes counts, and not what it says: comments and docstrings do not.
"""

import ast
import hashlib
import io
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from tools.sources import BuildError

PACKAGE = "course_utils"
# They keep what a learner did; a notebook shows nothing of it.
UNSEEN = {
    f"{PACKAGE}._files",
    f"{PACKAGE}.learner.points_picture",
    f"{PACKAGE}.learner.progress",
    f"{PACKAGE}.learner.start_page",
}
Use = tuple[str, tuple[str, ...]]  # a module, and the attributes that are asked of it


class Course:
    """The modules and data files of a course, as they are now.

    - `root`: the folder of the course.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._modules: dict[str, Path] = {}
        self._data: dict[str, Path] = {}
        for path in sorted((root / PACKAGE).rglob("*")):
            if path.suffix == ".py":
                parts = path.relative_to(root).with_suffix("").parts
                name = ".".join(x for x in parts if x != "__init__")
                self._modules[name] = path
            elif path.is_file() and "__pycache__" not in path.parts:
                self._data[path.name] = path
        self._pins = _pins(root / "constraints.txt")

    def state(self, code: str, modules: Iterable[str] = ()) -> dict[str, str]:
        """Return what some code depends on: each file's digest, each library's version.

        - `code`: the code of a notebook.
        - `modules`: modules of the course that it uses without importing them.

        Raises BuildError if a module is not Python, or imports relatively.
        """
        todo, seen, found = [*modules], set(), {}
        todo += self._follow(code, found)
        while todo:
            name = todo.pop()
            if name in seen or name in UNSEEN:
                continue
            seen.add(name)
            path = self._modules[name]
            file = path.relative_to(self._root).as_posix()
            text = path.read_text(encoding="utf-8")
            try:
                found[file] = _digest(_computing(text))
                todo += self._follow(text, found)
            except SyntaxError as error:
                raise BuildError(f"{file}:{error.lineno}: {error.msg}") from None
        return dict(sorted(found.items()))

    def _follow(self, text: str, found: dict[str, str]) -> Iterator[str]:
        """Yield the modules that a text uses; add its data files and libraries."""
        self._add_data(text, found)
        for module, attributes in _uses(text):
            library = module.split(".")[0]
            if library == PACKAGE:
                yield from self._resolve(module, attributes)
            elif library not in sys.stdlib_module_names:
                found[library] = self._pins.get(_plain(library), "not pinned")

    def _add_data(self, text: str, found: dict[str, str]) -> None:
        """Add the data files that a text names, and those that these name."""
        for name, path in self._data.items():
            file = path.relative_to(self._root).as_posix()
            if name in text and file not in found:
                data = path.read_bytes()
                found[file] = _digest(data)
                self._add_data(data.decode("utf-8", "ignore"), found)

    def _resolve(self, module: str, attributes: tuple[str, ...]) -> Iterable[str]:
        """Return the modules that define what is asked of a module."""
        if module not in self._modules:
            return []  # an older name, or an error that the notebook will show
        if self._modules[module].name != "__init__.py":
            return [module]
        if not attributes:
            inside = (x for x in self._modules if x.startswith(f"{module}."))
            return [module, *inside]
        name, *rest = attributes
        if f"{module}.{name}" in self._modules:
            return self._resolve(f"{module}.{name}", tuple(rest))
        text = self._modules[module].read_text(encoding="utf-8")
        if name in _exports(text):
            origin, names = _exports(text)[name]
            return self._resolve(origin, (*names, *rest))
        if name.startswith("__"):  # such as __file__
            return []
        return [module] if name in _defined(text) else self._resolve(module, ())


class _Uses(ast.NodeVisitor):
    """Collects what a text asks of the modules that it imports.

    - `tree`: the text.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.found: set[Use] = set()
        self._bound: dict[str, Use] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                self._import(node)
            elif isinstance(node, ast.ImportFrom):
                self._import_from(node)
        self.visit(tree)

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            top = alias.name.split(".")[0]
            module = alias.name if alias.asname else top
            self._bound[alias.asname or top] = (module, ())

    def _import_from(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if node.level:
            message = "name the module in full: a relative import is not followed"
            raise SyntaxError(message, ("", node.lineno, 0, ""))
        for alias in node.names:
            if alias.name == "*":
                self.found.add((module, ()))
            self._bound[alias.asname or alias.name] = (module, (alias.name,))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Note all of `package.module.name`, and not its parts."""
        names: list[str] = []
        part: ast.expr = node
        while isinstance(part, ast.Attribute):
            names.insert(0, part.attr)
            part = part.value
        if isinstance(part, ast.Name) and part.id in self._bound:
            module, asked = self._bound[part.id]
            self.found.add((module, (*asked, *names)))
        else:
            self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        """Note a name that stands alone."""
        if node.id in self._bound:
            self.found.add(self._bound[node.id])


@cache
def _uses(text: str) -> set[Use]:
    return _Uses(ast.parse(text)).found


@cache
def _exports(text: str) -> dict[str, Use]:
    """Return the names that a package takes from modules, and where it finds them."""
    return {
        alias.asname or alias.name: (node.module or "", (alias.name,))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


@cache
def _defined(text: str) -> set[str]:
    """Return the names that a module gives a meaning to itself."""
    names = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        names |= {
            x.id
            for x in ast.walk(node)
            if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Store)
        }
    return names


@cache
def _computing(text: str) -> bytes:
    """Return a module's text without its comments, docstrings and empty lines."""
    tree, lines = ast.parse(text), text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]  # it ends the line
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                rows = range(first.lineno - 1, first.end_lineno or first.lineno)
                for row in rows:
                    lines[row] = ""
    return "\n".join(x.rstrip() for x in lines if x.strip()).encode()


def _pins(path: Path) -> dict[str, str]:
    """Return the version of each library in constraints.txt."""
    pins: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        match = re.match(r"([\w.-]+)==(.+)", line)
        if match:
            name = _plain(match[1])
            pins[name] = f"{pins[name]}, {match[2]}" if name in pins else match[2]
    return pins


def _plain(name: str) -> str:
    """Return a library's name as one of its spellings stands for all."""
    return name.lower().replace("_", "-")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]
