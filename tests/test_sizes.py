"""Sizes on paper: against the published numbers of parameters, and against counting."""

import numpy as np
import pytest

from course_utils import KVCache
from course_utils.measuring import count
from course_utils.sizes import MODELS, Size

# In millions, as their configurations add up; biases and norms are left out here.
PUBLISHED = {
    "GPT-2 small": 124.44,
    "SmolLM2-135M": 134.52,
    "Llama 2 7B": 6738.4,
    "Mistral 7B": 7241.7,
    "Llama 3 8B": 8030.3,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_those_published_but_for_biases_and_norms(name):
    published = PUBLISHED[name] * 1e6
    assert 0.99 * published < MODELS[name].parameters < published


def test_the_cache_is_as_large_as_a_cache():
    size = Size(2, 12, 6, 2, 3, 5, 9, 20)
    caches = [KVCache() for _ in range(size.layers)]
    for cache in caches:
        cache.append(*np.zeros((2, size.num_kv_heads, 7, size.d_head), np.float16))
    # The cache of this course keeps float32 where float16 comes.
    nbytes = sum(cache.nbytes for cache in caches)
    assert nbytes == size.cache_bytes(7, bytes_a_number=4)
    assert size.cache_bytes(7) == nbytes / 2


@pytest.mark.parametrize("gated", [True, False])
def test_operations_are_those_of_the_products(gated):
    size = Size(1, 12, 6, 2, 3, 5, 9, 20, gated=gated)
    n, rng = 7, np.random.default_rng(0)
    x = rng.standard_normal((1, size.d_model))
    wide, narrow = size.num_heads * size.d_head, size.num_kv_heads * size.d_head
    shapes = [(12, wide), (12, narrow), (12, narrow)]

    counted = count(lambda x: [x @ np.ones(s) for s in shapes], x)
    counted += count(lambda y: y @ np.ones((wide, 12)), np.ones((1, wide)))
    assert size.operations(n)["projections"] == counted
    mlp = [(12, 5)] * (2 if gated else 1)
    counted = count(lambda x: [x @ np.ones(s) for s in mlp], x)
    counted += count(lambda y: y @ np.ones((5, 12)), np.ones((1, 5)))
    assert size.operations(n)["MLP"] == counted
    query, key = np.ones((6, 1, 3)), np.ones((6, n, 3))
    counted = count(lambda q, k: (q @ k.mT) @ k, query, key)
    assert size.operations(n)["attention"] == counted


def test_a_window_bounds_cache_and_operations():
    size = MODELS["Mistral 7B"]
    assert size.cache_bytes(5000) == size.cache_bytes(4096) > size.cache_bytes(4095)
    assert size.operations(5000) == size.operations(4096)


def test_attention_is_half_of_a_gpt2_layer_at_six_times_d():
    size = MODELS["GPT-2 small"]
    operations = size.operations(6 * size.d_model)
    assert 2 * operations["attention"] == sum(operations.values())
