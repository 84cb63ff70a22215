"""Read all-MiniLM-L6-v2, a published encoder: its weights, and its tokens.

Source: Wang et al., "MiniLM", 2020; trained on pairs of sentences, as its model card
says, by the community of sentence-transformers.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from course_utils.models.encoder import Parameters
from course_utils.models.word_piece import WordPiece
from course_utils.validation import Floats

# What the file calls what the course calls …
EMBEDDINGS = {
    "tokens": "word_embeddings.weight",
    "places": "position_embeddings.weight",
    "gain": "LayerNorm.weight",
    "shift": "LayerNorm.bias",
}
IN_A_LAYER = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "out": "attention.output.dense",
    "up": "intermediate.dense",
    "down": "output.dense",
}
NORMS = {"1": "attention.output.LayerNorm", "2": "output.LayerNorm"}
NUM_LAYERS = 6
DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4"}


def read_safetensors(path: Path) -> dict[str, NDArray]:
    """Return the arrays of a safetensors file by name.

    The file is the length of a header, 8 bytes; the header, JSON that says where each
    array starts and ends; and the numbers. Nothing in it can be executed.
    """
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    numbers = memoryview(data)[start:]
    return {
        name: np.frombuffer(
            numbers[slice(*entry["data_offsets"])], DTYPES[entry["dtype"]]
        ).reshape(entry["shape"])
        for name, entry in header.items()
    }


def read_parameters(path: Path) -> Parameters:
    """Return the parameters of the encoder by the names of `Encoder.read`.

    - `path`: the file model.safetensors. PyTorch keeps a matrix as (d_out, d_in); here
      vectors are rows, so that it is turned.
    """
    arrays = read_safetensors(path)
    p = {name: arrays[f"embeddings.{x}"] for name, x in EMBEDDINGS.items()}
    # One text is all of one kind, whose vector is the same at every place.
    p["places"] = p["places"] + arrays["embeddings.token_type_embeddings.weight"][0]
    for i in range(NUM_LAYERS):
        at = f"encoder.layer.{i}."
        for name, x in IN_A_LAYER.items():
            p[f"{i}.w_{name}"] = np.ascontiguousarray(arrays[f"{at}{x}.weight"].T)
            p[f"{i}.b_{name}"] = arrays[f"{at}{x}.bias"]
        for name, x in NORMS.items():
            p[f"{i}.gain_{name}"] = arrays[f"{at}{x}.weight"]
            p[f"{i}.shift_{name}"] = arrays[f"{at}{x}.bias"]
    return p


def read_vocabulary(path: Path) -> WordPiece:
    """Return what cuts texts into the encoder's tokens; `path`: tokenizer.json."""
    numbers = json.loads(path.read_text(encoding="utf-8"))["model"]["vocab"]
    return WordPiece(sorted(numbers, key=numbers.get))


def batch(cut: WordPiece, texts: Sequence[str]) -> tuple[NDArray, NDArray]:
    """Return the tokens of texts, (batch, n), filled up with 0, and their lengths."""
    rows = [cut(text) for text in texts]
    lengths = np.array([len(row) for row in rows])
    tokens = np.zeros((len(rows), lengths.max()), dtype=np.int64)
    for row, into in zip(rows, tokens, strict=True):
        into[: len(row)] = row
    return tokens, lengths


def cosines(vectors: Floats, others: Floats) -> Floats:
    """Return the cosine of each vector of length 1 with each of the others."""
    return vectors @ others.mT
