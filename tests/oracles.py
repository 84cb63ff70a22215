"""The functions of the course in PyTorch's own terms, to compare with.

They take and return tensors. Wherever PyTorch has a function for it, that is called;
the rest is written in another way than in `course_utils`.
"""

import torch
from torch.nn import functional as F


def run(function, arguments, gradients=False):
    """Call an oracle with NumPy arguments; return NumPy results.

    With gradients, return also a random gradient of the output and what it gives for
    each argument that is a floating array: None and {} for an output that has none.
    """
    tensors = {
        name: torch.from_numpy(x.copy()) if hasattr(x, "dtype") else x
        for name, x in arguments.items()
    }
    if not gradients:
        with torch.no_grad():
            result = function(**tensors)
        return [x.numpy() for x in result] if type(result) is tuple else result.numpy()
    inputs = {
        name: x.requires_grad_()
        for name, x in tensors.items()
        if isinstance(x, torch.Tensor) and x.is_floating_point()
    }
    output = function(**tensors)
    if not output.requires_grad:
        return output.numpy(), None, {}
    generator = torch.Generator().manual_seed(0)
    d_output = torch.randn(output.shape, generator=generator, dtype=output.dtype)
    found = torch.autograd.grad(
        output, list(inputs.values()), d_output, allow_unused=True
    )
    pairs = zip(inputs, found, strict=True)
    backward = {name: d.numpy() for name, d in pairs if d is not None}
    return output.detach().numpy(), d_output.numpy(), backward


def softmax(x, axis=-1, temperature=1.0):
    return torch.softmax(x / temperature, axis)


def log_softmax(x, axis=-1):
    return torch.log_softmax(x, axis)


def masked_softmax(scores, mask, axis=-1):
    return _softmax_or_zeros(scores.masked_fill(~mask, -torch.inf), axis)


def _softmax_or_zeros(scores, axis):
    """Return softmax, but zeros where PyTorch gives NaN because all is hidden."""
    empty = torch.isneginf(scores).all(axis, keepdim=True)
    return torch.softmax(scores.masked_fill(empty, 0.0), axis).masked_fill(empty, 0.0)


def hard_attention(scores, axis=-1):
    best = scores.argmax(axis)
    one_hot = F.one_hot(best, scores.shape[axis]).to(scores.dtype)
    return one_hot.movedim(-1, axis)


def entropy(weights, axis=-1):
    return torch.special.entr(weights).sum(axis)


def dot_product_score(query, key):
    return torch.einsum("...qd,...kd->...qk", query, key)


def cosine_score(query, key):
    return F.cosine_similarity(query.unsqueeze(-2), key.unsqueeze(-3), dim=-1)


def gaussian_score(query, key, sigma=1.0):
    # PyTorch's cdist has no rule for leading axes of size 1 in its backward pass.
    difference = query.unsqueeze(-2) - key.unsqueeze(-3)
    return difference.square().sum(-1) / (-2 * sigma**2)


def bilinear_score(query, key, w_match):
    return torch.einsum("...qd,de,...ke->...qk", query, w_match, key)


def additive_score(query, key, w_query, w_key, v):
    queries = F.linear(query, w_query.T).unsqueeze(-2)
    keys = F.linear(key, w_key.T).unsqueeze(-3)
    return torch.einsum("...h,h->...", torch.tanh(queries + keys), v)


def attend(weights, value):
    return torch.einsum("...qk,...kv->...qv", weights, value)


def nadaraya_watson(query, key, value, bandwidth):
    density = torch.distributions.Normal(key.new_zeros(()), key.new_tensor(bandwidth))
    difference = query.unsqueeze(-2) - key.unsqueeze(-3)
    kernel = torch.softmax(density.log_prob(difference).sum(-1), -1)
    return attend(kernel, value)


def leave_one_out(key, value, bandwidth):
    def without(x, i):
        return torch.cat([x[..., :i, :], x[..., i + 1 :, :]], -2)

    rows = [
        nadaraya_watson(
            key[..., i : i + 1, :], without(key, i), without(value, i), bandwidth
        )
        for i in range(key.shape[-2])
    ]
    return torch.cat(rows, -2)


def causal_mask(n_q, n_k=None, offset=0):
    n_k = n_q if n_k is None else n_k
    return torch.ones(n_q, n_k, dtype=torch.bool).tril(offset)


def sliding_window_mask(n_q, n_k=None, *, window, causal=True, offset=0):
    n_k = n_q if n_k is None else n_k
    every = torch.ones(n_q, n_k, dtype=torch.bool)
    ahead = 0 if causal else window - 1
    return every.tril(offset + ahead).triu(offset - window + 1)


def padding_mask(lengths, n_k):
    rows = [torch.arange(n_k) < length for length in lengths.flatten()]
    stacked = torch.stack(rows) if rows else torch.ones(0, n_k, dtype=torch.bool)
    return stacked.reshape(*lengths.shape, 1, n_k)


def _whole_mask(scores_shape, attn_mask, is_causal, dtype):
    """Return mask and causal mask as one mask that is added to the scores."""
    whole = torch.zeros(scores_shape, dtype=dtype)
    if is_causal:
        hidden = ~causal_mask(*scores_shape[-2:])
        whole = whole.masked_fill(hidden, -torch.inf)
    if attn_mask is None:
        return whole
    if attn_mask.dtype == torch.bool:
        return whole.masked_fill(~attn_mask, -torch.inf)
    return whole + attn_mask


def scaled_dot_product_attention(
    query,
    key,
    value,
    attn_mask=None,
    *,
    is_causal=False,
    scale=None,
    softcap=None,
    enable_gqa=False,
):
    groups = 3 if enable_gqa else 2
    arrays = (query, key, value)
    leading = torch.broadcast_shapes(*(x.shape[:-groups] for x in arrays))
    # PyTorch's kernels want the same leading axes everywhere, but for the heads.
    query, key, value = (x.expand(*leading, *x.shape[-groups:]) for x in arrays)
    shape = (*query.shape[:-1], key.shape[-2])
    if softcap is not None:
        return attention_step_by_step(
            query,
            key,
            value,
            attn_mask,
            is_causal=is_causal,
            scale=scale,
            softcap=softcap,
            enable_gqa=enable_gqa,
        )[0]
    mask = _whole_mask(shape, attn_mask, is_causal, query.dtype)
    return F.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, scale=scale, enable_gqa=enable_gqa
    )


def attention(query, key, value, bias):
    return scaled_dot_product_attention(query, key, value, bias)


def attention_step_by_step(
    query,
    key,
    value,
    attn_mask=None,
    *,
    is_causal=False,
    scale=None,
    softcap=None,
    enable_gqa=False,
):
    """Return output and weights, one operation after the other."""
    if enable_gqa:
        groups = query.shape[-3] // key.shape[-3]
        key = key.repeat_interleave(groups, -3)
        value = value.repeat_interleave(groups, -3)
    scores = torch.einsum("...qd,...kd->...qk", query, key)
    scores = scores * (query.shape[-1] ** -0.5 if scale is None else scale)
    if softcap is not None:
        scores = softcap * torch.tanh(scores / softcap)
    leading = torch.broadcast_shapes(scores.shape[:-2], value.shape[:-2])
    shape = (*leading, *scores.shape[-2:])
    scores = scores + _whole_mask(shape, attn_mask, is_causal, query.dtype)
    weights = _softmax_or_zeros(scores, -1)
    return weights @ value, weights


def split_heads(x, num_heads):
    return torch.stack(x.chunk(num_heads, -1), -3)


def merge_heads(x):
    return torch.cat(x.unbind(-3), -1)


def multi_head_attention(
    query,
    key,
    value,
    w_query,
    w_key,
    w_value,
    w_out,
    *,
    num_heads,
    num_kv_heads=None,
    b_query=None,
    b_key=None,
    b_value=None,
    b_out=None,
    attn_mask=None,
    is_causal=False,
):
    num_kv_heads = num_heads if num_kv_heads is None else num_kv_heads
    attended = scaled_dot_product_attention(
        split_heads(F.linear(query, w_query.T, b_query), num_heads),
        split_heads(F.linear(key, w_key.T, b_key), num_kv_heads),
        split_heads(F.linear(value, w_value.T, b_value), num_kv_heads),
        attn_mask,
        is_causal=is_causal,
        enable_gqa=True,
    )
    return F.linear(merge_heads(attended), w_out.T, b_out)


def sinusoidal_positions(n, d_model, base=10000.0):
    exponents = torch.arange(0, d_model, 2, dtype=torch.float64) / d_model
    angles = torch.outer(torch.arange(n, dtype=torch.float64), base**-exponents)
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(-2)


def relative_position_bias(table, n_q, n_k=None, offset=0):
    n_k = n_q if n_k is None else n_k
    m = table.shape[-1] // 2
    rows = [
        [table[..., max(-m, min(m, j - i - offset)) + m] for j in range(n_k)]
        for i in range(n_q)
    ]
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


def rotary_embedding(x, positions, base=10000.0):
    d = x.shape[-1]
    wide = torch.view_as_complex(x.double().unflatten(-1, (d // 2, 2)).contiguous())
    turns = base ** (-torch.arange(0, d, 2, dtype=torch.float64) / d)
    angles = positions.double().unsqueeze(-1) * turns
    turned = wide * torch.polar(torch.ones_like(angles), angles)
    return torch.view_as_real(turned).flatten(-2).to(x.dtype)


def alibi_bias(num_heads, n_q, n_k=None, offset=0):
    n_k = n_q if n_k is None else n_k
    power = 1
    while 2 * power <= num_heads:
        power *= 2
    ratio = 2.0 ** (-8 / power)
    slopes = [ratio ** (i + 1) for i in range(power)]
    finer = 2.0 ** (-4 / power)
    slopes += [finer ** (2 * i + 1) for i in range(num_heads - power)]
    queries = torch.arange(n_q, dtype=torch.float64)[:, None] + offset
    distance = (queries - torch.arange(n_k, dtype=torch.float64)).abs()
    return torch.stack([-slope * distance for slope in slopes])


def linear(x, weight, bias=None):
    return F.linear(x, weight.T, bias)


def embedding(table, tokens):
    return F.embedding(tokens, table)


def layer_norm(x, gain, bias, epsilon=1e-5):
    return F.layer_norm(x, gain.shape, gain, bias, epsilon)


def relu(x):
    return F.relu(x)


def gelu(x):
    return F.gelu(x, approximate="tanh")


def gru_step(inputs, state, weight, bias):
    d = state.shape[-1]
    cell = torch.nn.GRUCell(3 * d, d, device="meta")
    # The inputs have been multiplied by their matrix already.
    own = {
        "weight_ih": torch.eye(3 * d, dtype=state.dtype),
        "bias_ih": torch.zeros(3 * d, dtype=state.dtype),
        "weight_hh": weight.T,
        "bias_hh": bias,
    }
    given = (inputs.reshape(-1, 3 * d), state.reshape(-1, d))
    return torch.func.functional_call(cell, own, given).reshape(state.shape)


def cross_entropy(logits, targets):
    rows = logits.reshape(-1, logits.shape[-1])
    return F.cross_entropy(rows, targets.reshape(-1), ignore_index=-1)
