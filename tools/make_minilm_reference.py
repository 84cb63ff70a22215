"""Write what PyTorch gives for three sentences, with which lesson 16 compares.

    python3 tools/make_minilm_reference.py

Needs `course.py models`, and what `course.py test --oracles` installs.
"""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

import course_utils
from course_utils.models.published import find

SENTENCES = (
    "The cat sat on the mat because it was tired.",
    "It is raining.",
    "Attention turns scores into weights, and blends the values by these weights.",
)
PATH = Path(course_utils.__file__).parent / "data" / "minilm_reference.json"


def published_bert() -> BertModel:
    """Return the encoder as its authors' framework runs it."""
    sizes = {"hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536}
    model = BertModel(BertConfig(**sizes, num_attention_heads=12)).eval()
    weights = load_file(find("model.safetensors"))
    weights.pop("embeddings.position_ids", None)
    model.load_state_dict(weights)
    return model


def embed(sentences: tuple[str, ...]) -> np.ndarray:
    """Return the embeddings of sentences, (len(sentences), 384)."""
    cut = Tokenizer.from_file(str(find("tokenizer.json")))
    cut.enable_padding()
    cut.enable_truncation(256)
    found = cut.encode_batch(list(sentences))
    mask = torch.tensor([x.attention_mask for x in found])
    tokens = torch.tensor([x.ids for x in found])
    with torch.no_grad():
        x = published_bert()(input_ids=tokens, attention_mask=mask).last_hidden_state
    pooled = (x * mask[..., None]).sum(dim=1) / mask.sum(dim=1)[:, None]
    return torch.nn.functional.normalize(pooled, dim=-1).numpy()


if __name__ == "__main__":
    stored = dict(zip(SENTENCES, embed(SENTENCES).round(8).tolist(), strict=True))
    stored = {text: [round(x, 8) for x in vector] for text, vector in stored.items()}
    PATH.write_text(json.dumps(stored) + "\n", encoding="utf-8", newline="\n")
