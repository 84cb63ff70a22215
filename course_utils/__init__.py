"""Attention, built by hand in NumPy: the functions that the lessons build."""

import sys

from course_utils import _memory, _moved
from course_utils.attention import scaled_dot_product_attention
from course_utils.efficient import (
    KVCache,
    linear_attention,
    sliding_window_attention,
    tiled_attention,
)
from course_utils.lookup import hard_lookup, soft_lookup
from course_utils.masks import (
    block_mask,
    causal_mask,
    combine_masks,
    padding_mask,
    receptive_field,
    sliding_window_mask,
)
from course_utils.multi_head import (
    merge_heads,
    multi_head_attention,
    split_heads,
)
from course_utils.multi_head_layer import MultiHeadAttention
from course_utils.pooling import attend, leave_one_out, nadaraya_watson
from course_utils.positions import (
    alibi_bias,
    alibi_slopes,
    learned_positions,
    relative_position_bias,
    rotary_embedding,
    sinusoidal_positions,
)
from course_utils.scores import (
    additive_score,
    bilinear_score,
    cosine_score,
    dot_product_score,
    gaussian_score,
)
from course_utils.softmax import (
    entropy,
    hard_attention,
    log_softmax,
    masked_softmax,
    softmax,
)

sys.meta_path.append(_moved.Forwarder())
_memory.keep()

__all__ = [
    "KVCache",
    "MultiHeadAttention",
    "additive_score",
    "alibi_bias",
    "alibi_slopes",
    "attend",
    "bilinear_score",
    "block_mask",
    "causal_mask",
    "combine_masks",
    "cosine_score",
    "dot_product_score",
    "entropy",
    "gaussian_score",
    "hard_attention",
    "hard_lookup",
    "learned_positions",
    "leave_one_out",
    "linear_attention",
    "log_softmax",
    "masked_softmax",
    "merge_heads",
    "multi_head_attention",
    "nadaraya_watson",
    "padding_mask",
    "receptive_field",
    "relative_position_bias",
    "rotary_embedding",
    "scaled_dot_product_attention",
    "sinusoidal_positions",
    "sliding_window_attention",
    "sliding_window_mask",
    "soft_lookup",
    "softmax",
    "split_heads",
    "tiled_attention",
]
