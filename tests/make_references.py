"""Write what PyTorch gives for a few inputs, so that everyday tests need no PyTorch.

    python3 tests/make_references.py

Every array is called <function>.<case>.<what>.<name>, where what is `in` (an argument),
`out` (the result), `d_out` (a gradient of the result) or `d_in` (the gradient that it
gives for an argument). The arrays of a file lie end to end in one array of numbers,
because a thousand small files in a zip are mostly headers; `samples.references` takes
them apart.
"""

import json
from pathlib import Path

import numpy as np
import oracles
import torch

FOLDER = Path(__file__).parent / "reference"
LESSON_09 = Path(__file__).parents[1] / "course_utils" / "data" / "pytorch_heads.npz"


def draw(dtype):
    """Return for each file its cases: a function's name and arguments."""
    rng = np.random.default_rng(20260101)

    def array(*shape):
        return rng.standard_normal(shape).astype(dtype)

    pair = {"query": array(2, 3, 6), "key": array(2, 4, 6)}
    heads = {
        "query": array(2, 2, 3, 4),
        "key": array(2, 2, 5, 4),
        "value": array(2, 2, 5, 2),
    }
    grouped = {**heads, "query": array(2, 4, 3, 4)}
    mask = rng.random((2, 1, 3, 5)) < 0.6
    mask[0, 0, 1] = False
    projections = {
        "w_query": array(6, 8),
        "w_key": array(5, 4),
        "w_value": array(3, 2),
        "w_out": array(4, 7),
    }
    biases = {
        "b_query": array(8),
        "b_key": array(4),
        "b_value": array(2),
        "b_out": array(7),
    }
    sequences = {
        "query": array(2, 3, 6),
        "key": array(2, 4, 5),
        "value": array(2, 4, 3),
    }
    unlike = {"query": sequences["query"], "key": sequences["key"]}
    scores = array(2, 3, 5)
    huge = scores * dtype(1e4 if dtype is np.float32 else 1e5)
    weights = rng.dirichlet(np.ones(4), size=(2, 3)).astype(dtype)
    return {
        "softmax": [
            ("softmax", {"x": scores}),
            ("softmax", {"x": scores, "axis": 1, "temperature": 0.3}),
            ("softmax", {"x": huge}),
            ("log_softmax", {"x": scores, "axis": 0}),
            ("log_softmax", {"x": huge}),
            ("masked_softmax", {"scores": scores, "mask": mask[:, 0], "axis": -1}),
            ("hard_attention", {"scores": scores, "axis": 1}),
            ("entropy", {"weights": weights}),
        ],
        "scores": [
            ("dot_product_score", pair),
            ("cosine_score", pair),
            ("gaussian_score", {**pair, "sigma": 1.7}),
            ("bilinear_score", {**unlike, "w_match": array(6, 5)}),
            (
                "additive_score",
                {
                    **unlike,
                    "w_query": array(6, 7),
                    "w_key": array(5, 7),
                    "v": array(7),
                },
            ),
        ],
        "pooling": [
            ("attend", {"weights": weights, "value": sequences["value"]}),
            ("nadaraya_watson", {**pair, "value": array(2, 4, 3), "bandwidth": 1.3}),
            (
                "leave_one_out",
                {"key": array(2, 5, 2), "value": array(5, 3), "bandwidth": 0.7},
            ),
        ],
        "attention": [
            ("scaled_dot_product_attention", heads),
            (
                "scaled_dot_product_attention",
                {**heads, "is_causal": True, "scale": 0.2},
            ),
            ("scaled_dot_product_attention", {**heads, "attn_mask": mask}),
            (
                "scaled_dot_product_attention",
                {**heads, "attn_mask": array(2, 3, 5), "is_causal": True},
            ),
            (
                "scaled_dot_product_attention",
                {**heads, "attn_mask": mask, "softcap": 1.5},
            ),
            (
                "scaled_dot_product_attention",
                {**grouped, "attn_mask": mask, "is_causal": True, "enable_gqa": True},
            ),
            (
                "scaled_dot_product_attention",
                {**heads, "attn_mask": array(3, 1), "softcap": 1.5, "scale": -0.4},
            ),
            (
                "scaled_dot_product_attention",
                {**grouped, "attn_mask": array(4, 1, 5), "enable_gqa": True},
            ),
            ("attention", {**heads, "bias": array(2, 2, 3, 5)}),
        ],
        "multi_head": [
            ("split_heads", {"x": array(2, 3, 6), "num_heads": 3}),
            ("merge_heads", {"x": array(2, 4, 3, 5)}),
            (
                "multi_head_attention",
                {**sequences, **projections, "num_heads": 2, "num_kv_heads": 1},
            ),
            (
                "multi_head_attention",
                {
                    **sequences,
                    **projections,
                    **biases,
                    "num_heads": 2,
                    "num_kv_heads": 1,
                    "attn_mask": mask[..., :4],
                    "is_causal": True,
                },
            ),
        ],
        "positions": [
            ("sinusoidal_positions", {"n": 5, "d_model": 6, "base": 100.0}),
            ("relative_position_bias", {"table": array(2, 5), "n_q": 4, "n_k": 6}),
            ("rotary_embedding", {"x": array(2, 3, 6), "positions": np.arange(7, 10)}),
            ("alibi_bias", {"num_heads": 6, "n_q": 3, "n_k": 4, "offset": 1}),
        ],
        "layers": [
            ("linear", {"x": scores, "weight": array(5, 4)}),
            ("linear", {"x": scores, "weight": array(5, 4), "bias": array(4)}),
            ("embedding", {"table": array(4, 3), "tokens": np.array([[0, 2], [2, 3]])}),
            ("layer_norm", {"x": scores, "gain": array(5), "bias": array(5)}),
            ("relu", {"x": scores}),
            ("gelu", {"x": 2 * scores}),
            (
                "gru_step",
                {
                    "inputs": array(2, 12),
                    "state": array(2, 4),
                    "weight": array(4, 12),
                    "bias": array(12),
                },
            ),
            (
                "cross_entropy",
                {"logits": scores, "targets": np.array([[0, -1, 4], [1, 1, -1]])},
            ),
        ],
    }


def answer(function, arguments):
    """Return the arrays that the references keep of one case."""
    oracle = getattr(oracles, function)
    kept = {f"in.{name}": x for name, x in arguments.items()}
    if any(
        getattr(x, "dtype", None) in (np.float32, np.float64)
        for x in arguments.values()
    ):
        out, d_out, backward = oracles.run(oracle, arguments, gradients=True)
        if backward:
            kept["d_out"] = d_out
        kept |= {f"d_in.{name}": d for name, d in backward.items()}
    else:
        out = oracles.run(oracle, arguments)
    return kept | {"out": out}


def module_state(dtype):
    """Return the state of PyTorch's own module, what came in and what went out."""
    torch.manual_seed(0)
    torch_dtype = torch.from_numpy(np.empty(0, dtype)).dtype
    module = torch.nn.MultiheadAttention(6, 2, batch_first=True, dtype=torch_dtype)
    torch.nn.init.normal_(module.in_proj_bias)
    torch.nn.init.normal_(module.out_proj.bias)
    query, key = (
        torch.randn(2, 3, 6, dtype=torch_dtype),
        torch.randn(2, 4, 6, dtype=torch_dtype),
    )
    with torch.no_grad():
        output, weights = module(query, key, key, average_attn_weights=False)
    state = {f"state.{name}": x.numpy() for name, x in module.state_dict().items()}
    arrays = {"query": query, "key": key, "output": output, "weights": weights}
    return state | {name: x.numpy() for name, x in arrays.items()}


def write(name, arrays):
    """Write arrays end to end, with an index of their names, dtypes and shapes."""
    arrays = {label: np.asarray(x) for label, x in arrays.items()}
    index = [[label, str(x.dtype), x.shape] for label, x in arrays.items()]
    numbers = np.concatenate([x.ravel() for x in arrays.values()])
    path = FOLDER / f"{name}.npz"
    np.savez_compressed(path, index=json.dumps(index), numbers=numbers)


def write_lesson_09():
    """Write what lesson 9 compares with, which a learner's copy of the course has."""
    np.savez(LESSON_09, **module_state(np.float64))


def main():
    write_lesson_09()
    FOLDER.mkdir(exist_ok=True)
    for dtype in (np.float32, np.float64):
        for module, cases in draw(dtype).items():
            arrays = {
                f"{function}.{i}.{what}": x
                for i, (function, arguments) in enumerate(cases)
                for what, x in answer(function, arguments).items()
            }
            write(f"{module}_{np.dtype(dtype)}", arrays)
        write(f"torch_module_{np.dtype(dtype)}", module_state(dtype))


if __name__ == "__main__":
    main()
