"""Measure the published models of lessons 16 and 17 beside PyTorch, in one run.

    python benchmarks/models.py [--tokens 32] [--store]

Tokens a second: greedy writing with a cache after a text of some 40 tokens, one thread,
in processor time, for the course's functions and for Transformers on PyTorch with the
same numbers. Then the course's with and without a cache, after texts of three lengths,
and the encoder's sentences a second.
It needs the models (python3 course.py models) and the `oracles` extra.

With --store it writes what Transformers wrote after some texts to
course_utils/data/written_elsewhere.json, which lesson 17 compares with.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from functools import partial
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is loaded

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tools")]

from torch_decoder import in_transformers, read_by_gguf  # noqa: E402

from course_utils.models import minilm  # noqa: E402
from course_utils.models.encoder import Encoder  # noqa: E402
from course_utils.models.language_model import STORED, load  # noqa: E402
from course_utils.models.published import find  # noqa: E402
from course_utils.models.searching import toolbox  # noqa: E402

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
QUESTION = (
    "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"  # as it was trained
)
STORY = "It was a dark and stormy night in the old town. "
STORED_TEXTS = (
    "The capital of France is",
    "Once upon a time there was a little girl who",
    QUESTION.format("What is attention in a neural network? Answer in one sentence."),
)


def seconds(call, rounds):
    """Return what came, and the least processor time of some runs."""
    least = np.inf
    for _ in range(rounds):
        start = time.process_time()
        found = call()
        least = min(least, time.process_time() - start)
    return found, least


def greedy(theirs, tokens, count):
    """Let Transformers write."""
    with torch.no_grad():
        written = theirs.generate(
            torch.tensor([tokens]),
            attention_mask=torch.ones(1, len(tokens), dtype=int),
            max_new_tokens=count,
            do_sample=False,
            eos_token_id=None,
            pad_token_id=2,
        )
    return written[0, len(tokens) :].tolist()


def store(text, theirs, count):
    written = {x: greedy(theirs, text.encode(x), count) for x in STORED_TEXTS}
    lines = (f"{json.dumps(x)}: {json.dumps(y)}" for x, y in written.items())
    STORED.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def beside(model, text, theirs, count, rounds):
    tokens = text.encode(STORY * 4)
    ours, own = seconds(lambda: [int(x) for x in model.write(tokens, count)], rounds)
    others, other = seconds(lambda: greedy(theirs, tokens, count), rounds)
    print(f"tokens a second after {len(tokens)}: course {count / own:.1f}", end=", ")
    print(f"PyTorch {count / other:.1f}; the same tokens: {ours == others}")
    enough = min(10, count / other)
    print(f"at least 10 or as many as PyTorch: {count / own >= enough}")


def cache(model, text, count):
    print("new tokens: processor seconds with a cache, without, ratio")
    for repeats in (4, 10, 25):
        tokens = text.encode(STORY * repeats)
        found = {}
        for cached in (True, False):
            write = partial(model.write, tokens, count, cached=cached)
            found[cached] = seconds(lambda write=write: [int(x) for x in write()], 1)
        (ours, fast), (same, slow) = found[True], found[False]
        print(f"  {count} after {len(tokens):3}: {fast:.1f}, {slow:.1f}", end=", ")
        print(f"{slow / fast:.1f}; the same: {ours == same}")


def encoder(rounds):
    """Compare the encoder of lesson 16, on what the course says of its functions."""
    from make_minilm_reference import published_bert

    texts = list(toolbox()[0].values())[:32]
    p, cut = minilm.read_parameters(find("model.safetensors")), find("tokenizer.json")
    tokens, lengths = minilm.batch(minilm.read_vocabulary(cut), texts)
    mask = (np.arange(tokens.shape[1]) < lengths[:, None]).astype(int)
    theirs = published_bert()
    given = {"input_ids": tokens, "attention_mask": mask}
    given = {name: torch.tensor(x) for name, x in given.items()}

    def run():
        with torch.no_grad():
            return theirs(**given).last_hidden_state.numpy()

    (ours, _), own = seconds(lambda: Encoder().read(p, tokens, lengths), rounds)
    others, other = seconds(run, rounds)
    far = np.abs(ours - others)[mask == 1].max()
    print(f"sentences a second, {len(texts)} at once: ", end="")
    print(f"course {len(texts) / own:.0f}, PyTorch {len(texts) / other:.0f}; ", end="")
    print(f"vectors differ by {far:.0e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--store", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    (model, text), own = seconds(lambda: load(find(FILE)), 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"load: {own:.1f} processor seconds; peak with PyTorch loaded {peak:.0f} MB")
    theirs = in_transformers(read_by_gguf(find(FILE), model))
    if options.store:
        store(text, theirs, options.tokens)
    beside(model, text, theirs, options.tokens, options.rounds)
    cache(model, text, 24)
    encoder(options.rounds)


if __name__ == "__main__":
    main()
