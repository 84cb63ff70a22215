"""Attention composed of PyTorch's own parts, whose autograd gives its gradients."""

from hypothesis import settings
from hypothesis import strategies as st

# Enough draws for more than 500 different shapes a function.
many = settings(max_examples=1200)
wide = st.integers(1, 24)
shapes = st.tuples(wide, wide, wide) | st.tuples(wide, wide)


def tensors(torch, *arrays):
    """Give each array as a tensor that gathers a gradient."""
    return [torch.tensor(array, requires_grad=True) for array in arrays]


def torch_attention(torch, query, key, value, mask, shape, options):
    """Attend by PyTorch: masks combined by hand, since its kernels refuse two."""
    n_q, n_k = shape[-2:]
    key, value = (x.expand(*shape[:-3], *x.shape[-3:]) for x in (key, value))
    if options["is_causal"]:
        seen = torch.ones(n_q, n_k, dtype=torch.bool).tril()
        if mask is None:
            mask = seen
        elif mask.dtype == torch.bool:
            mask = mask & seen
        else:
            mask = torch.where(seen, mask, -torch.inf)
    if mask is not None:
        mask = mask.expand(shape)
    if options["softcap"] is None:
        return torch.nn.functional.scaled_dot_product_attention(
            query,
            key,
            value,
            mask,
            scale=options["scale"],
            enable_gqa=options["enable_gqa"],
        )
    groups = query.shape[-3] // key.shape[-3]
    key, value = (x.repeat_interleave(groups, -3) for x in (key, value))
    scale = options["scale"] or query.shape[-1] ** -0.5
    scores = query @ key.mT * scale
    scores = options["softcap"] * torch.tanh(scores / options["softcap"])
    if mask is not None and mask.dtype != torch.bool:
        scores = scores + mask
    elif mask is not None:
        scores = torch.where(mask, scores, -torch.inf)
    nothing = (scores == -torch.inf).all(-1, keepdim=True)
    weights = torch.softmax(scores.masked_fill(nothing, 0.0), -1)
    return weights.masked_fill(nothing, 0.0) @ value


def torch_multi_head(torch, given, mask, options):
    """Compose multi-head attention of PyTorch's own parts."""
    heads = {}
    for name, count in (
        ("query", options["num_heads"]),
        ("key", options["num_kv_heads"]),
        ("value", options["num_kv_heads"]),
    ):
        projected = given[name] @ given[f"w_{name}"] + given.get(f"b_{name}", 0)
        heads[name] = projected.unflatten(-1, (count, -1)).transpose(-2, -3)
    shape = (*heads["query"].shape[:-1], heads["key"].shape[-2])
    plain = {"scale": None, "softcap": None, "enable_gqa": True}
    attended = torch_attention(
        torch, *heads.values(), mask, shape, {**options, **plain}
    )
    merged = attended.transpose(-2, -3).flatten(-2)
    return merged @ given["w_out"] + given.get("b_out", 0)
