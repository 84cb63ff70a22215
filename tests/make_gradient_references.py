"""Write the gradients that PyTorch gives to reference/gradients.npz, with the inputs.

Run it again (python tests/make_gradient_references.py) only to add a case: the stored
arrays are what the everyday tests compare with, and they need no PyTorch.
"""

from pathlib import Path

import numpy as np
import torch
from torch_oracles import tensors, torch_attention, torch_multi_head

OPTIONS = {"is_causal": False, "scale": None, "softcap": None, "enable_gqa": False}
ATTENTION = [  # shapes of query, key, value and mask, its kind, and options
    ([(3, 5), (4, 5), (4, 2)], None, None, {}),
    ([(2, 2, 3, 5), (2, 2, 4, 5), (2, 2, 4, 6)], (3, 4), bool, {}),
    ([(2, 2, 3, 5), (2, 2, 4, 5), (2, 2, 4, 6)], (2, 1, 4), float, {}),
    ([(2, 6, 5), (2, 4, 5), (2, 4, 3)], None, None, {"is_causal": True}),
    ([(2, 3, 5), (2, 4, 5), (2, 4, 2)], (3, 4), float, {"softcap": 1.5}),
    ([(2, 6, 3, 4), (2, 2, 5, 4), (2, 2, 5, 3)], (3, 5), bool, {"enable_gqa": True}),
    ([(1, 4, 3, 4), (1, 1, 5, 4), (1, 1, 5, 3)], None, None, {"enable_gqa": True}),
    ([(2, 8, 16), (2, 9, 16), (2, 9, 4)], None, None, {"scale": 0.1}),
]
MULTI_HEAD = [  # shapes of the arrays, and options
    (
        [(2, 3, 5), (2, 4, 6), (2, 4, 3), (5, 8), (6, 8), (3, 4), (4, 7)],
        {"num_heads": 2, "num_kv_heads": 2, "is_causal": False},
    ),
    (
        [
            (4, 8),
            (4, 8),
            (4, 8),
            (8, 8),
            (8, 4),
            (8, 4),
            (8, 8),
            (8,),
            (4,),
            (4,),
            (8,),
        ],
        {"num_heads": 4, "num_kv_heads": 2, "is_causal": True},
    ),
]
NAMES = ("query", "key", "value", "w_query", "w_key", "w_value", "w_out")
NAMES += ("b_query", "b_key", "b_value", "b_out")


def main():
    rng = np.random.default_rng(0)
    stored = {}

    def normal(shape):
        # Rounded to float32, so that both dtypes start from the same numbers.
        return rng.standard_normal(shape).astype(np.float32).astype(np.float64)

    def store(case, inputs, output, options):
        d_output = normal(output.shape)
        output.backward(torch.tensor(d_output))
        stored[f"{case}.d_output"] = d_output
        for name, x in inputs.items():
            stored[f"{case}.{name}"] = x.detach().numpy()
            if x.requires_grad:
                stored[f"{case}.expected_{name}"] = x.grad.numpy()
        for name, option in options.items():
            stored[f"{case}.{name}"] = np.array(option)

    for i, (shapes, mask_shape, kind, given) in enumerate(ATTENTION):
        arrays = tensors(torch, *map(normal, shapes))
        inputs = dict(zip(NAMES, arrays, strict=False))
        query, key = shapes[:2]
        mask = None
        if kind is bool:
            mask = torch.tensor(rng.random(mask_shape) < 0.6)
        elif kind is float:
            (mask,) = tensors(torch, normal(mask_shape))
        shape = (*query[:-1], key[-2])
        output = torch_attention(torch, *arrays, mask, shape, {**OPTIONS, **given})
        if mask is not None:
            inputs["attn_mask"] = mask
        store(f"attention-{i}", inputs, output, given)
    for i, (shapes, options) in enumerate(MULTI_HEAD):
        inputs = dict(zip(NAMES, tensors(torch, *map(normal, shapes)), strict=False))
        output = torch_multi_head(torch, inputs, None, options)
        store(f"multi_head-{i}", inputs, output, options)
    np.savez_compressed(Path(__file__).parent / "reference" / "gradients.npz", **stored)


if __name__ == "__main__":
    main()
