"""The published decoder in the library of its authors, Transformers on PyTorch."""

from dataclasses import replace

import numpy as np
import pytest

from course_utils.models.language_model import NAMES


def halves(matrix, heads):
    """Put the pairs that are turned from (2i, 2i + 1) to (i, i + d/2), as a row."""
    rows = matrix.T.reshape(heads, -1, 2, len(matrix))
    return rows.swapaxes(1, 2).reshape(-1, len(matrix))


def in_transformers(model):
    """Return the same model as the Transformers library has it."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    d, inside = model.blocks[0]["w_gate"].shape
    config = transformers.LlamaConfig(
        vocab_size=len(model.tokens),
        hidden_size=d,
        intermediate_size=inside,
        num_hidden_layers=len(model.blocks),
        num_attention_heads=model.num_heads,
        num_key_value_heads=model.num_kv_heads,
        head_dim=model.blocks[0]["w_value"].shape[1] // model.num_kv_heads,
        rms_norm_eps=model.epsilon,
        rope_parameters={"rope_type": "default", "rope_theta": model.base},
        tie_word_embeddings=True,
        attn_implementation="eager",
    )
    theirs = transformers.LlamaForCausalLM(config).eval()
    theirs.to(torch.tensor(model.gain).dtype)
    state = {"model.embed_tokens.weight": model.tokens, "model.norm.weight": model.gain}
    for i, p in enumerate(model.blocks):
        state |= {
            f"model.layers.{i}.{name}.weight": x
            for name, x in {
                "input_layernorm": p["gain_1"],
                "post_attention_layernorm": p["gain_2"],
                "self_attn.q_proj": halves(p["w_query"], model.num_heads),
                "self_attn.k_proj": halves(p["w_key"], model.num_kv_heads),
                "self_attn.v_proj": p["w_value"].T,
                "self_attn.o_proj": p["w_out"].T,
                "mlp.gate_proj": p["w_gate"].T,
                "mlp.up_proj": p["w_up"].T,
                "mlp.down_proj": p["w_down"].T,
            }.items()
        }
    tensors = {x: torch.tensor(np.array(y)) for x, y in state.items()}
    missing, unexpected = theirs.load_state_dict(tensors, strict=False)
    assert (missing, unexpected) == (["lm_head.weight"], [])
    theirs.tie_weights()
    return theirs


def read_by(theirs, tokens):
    """Return the logits that a model of PyTorch gives."""
    import torch

    with torch.no_grad():
        return theirs(torch.tensor(tokens)).logits.numpy()


def read_by_gguf(path, model):
    """Return the same model with the numbers as the gguf package reads them."""
    import gguf
    from gguf.quants import dequantize

    arrays = {
        x.name: dequantize(x.data, x.tensor_type).reshape(x.shape[::-1])
        for x in gguf.GGUFReader(path).tensors
    }
    blocks = [
        {x: arrays[f"blk.{i}.{y}.weight"].T for x, y in NAMES.items()}
        for i in range(len(model.blocks))
    ]
    tokens, gain = arrays["token_embd.weight"], arrays["output_norm.weight"]
    return replace(model, tokens=tokens, blocks=blocks, gain=gain)
