"""What a model costs on paper: parameters, operations, and the bytes of its cache."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """The sizes of a model that writes, as its paper or configuration gives them.

    - `layers`: how many blocks stand on one another.
    - `d_model`, `d_head`, `d_mlp`: components of a token, of a head, inside the MLP.
    - `num_heads`, `num_kv_heads`: heads of queries, and of keys and values.
    - `vocabulary`: how many tokens there are.
    - `context`: how many positions the model was made for.
    - `gated`: whether the MLP has three matrices (SwiGLU) and not two.
    - `tied`: whether one matrix serves for the first and the last step.
    - `positions`: how many positions have learnt vectors.
    - `window`: how many keys a query sees at most; None for all.

    >>> gpt2 = MODELS["GPT-2 small"]
    >>> gpt2.cache_bytes(1024)  # 36,864 for each token
    37748736
    >>> gpt2.operations(1)["attention"]  # 12 layers, 12 heads: 2·2·64 for one key
    36864
    """

    layers: int
    d_model: int
    num_heads: int
    num_kv_heads: int
    d_head: int
    d_mlp: int
    vocabulary: int
    context: int
    gated: bool = True
    tied: bool = False
    positions: int = 0
    window: int | None = None

    @property
    def parameters(self) -> int:
        """All numbers in matrices and tables: biases and norms, under 1%, left out."""
        tables = self.vocabulary * (1 if self.tied else 2) + self.positions
        return self.layers * (self._projections + self._mlp) + tables * self.d_model

    def seen(self, n: int) -> int:
        """How many keys the next token sees when n positions are kept."""
        return n if self.window is None else min(n, self.window)

    def cache_bytes(self, n: int, *, bytes_a_number: int = 2) -> int:
        """Bytes of the keys and values of n positions, in all layers."""
        numbers = 2 * self.layers * self.num_kv_heads * self.d_head
        return self.seen(n) * numbers * bytes_a_number

    def operations(self, n: int) -> dict[str, int]:
        """Operations for one more token that sees n keys; a multiply-add counts 2."""
        return {
            "projections": 2 * self.layers * self._projections,
            "MLP": 2 * self.layers * self._mlp,
            "attention": 4
            * self.layers
            * self.seen(n)
            * self.num_heads
            * self.d_head,  # its scores and its blend
        }

    @property
    def _projections(self) -> int:
        return 2 * self.d_model * self.d_head * (self.num_heads + self.num_kv_heads)

    @property
    def _mlp(self) -> int:
        return (3 if self.gated else 2) * self.d_model * self.d_mlp


# Sources: lesson 7 for the ten tokens. Radford et al., "Language models are
# unsupervised multitask learners", 2019, table 2, and openai/gpt-2, src/model.py.
# Touvron et al., "Llama 2", 2023, and its configuration. Jiang et al., "Mistral 7B",
# 2023, table 1. Grattafiori et al., "The Llama 3 herd of models", 2024, table 3, and
# its configuration. The configuration of SmolLM2-135M (Ben Allal et al., 2025), which
# lesson 17 runs.
MODELS = {
    "our ten tokens": Size(1, 7, 1, 1, 2, 0, 9, 10, tied=True),
    "GPT-2 small": Size(
        12, 768, 12, 12, 64, 3072, 50257, 1024, gated=False, tied=True, positions=1024
    ),
    "SmolLM2-135M": Size(30, 576, 9, 3, 64, 1536, 49152, 8192, tied=True),
    "Llama 2 7B": Size(32, 4096, 32, 32, 128, 11008, 32000, 4096),
    "Mistral 7B": Size(32, 4096, 32, 8, 128, 14336, 32000, 8192, window=4096),
    "Llama 3 8B": Size(32, 4096, 32, 8, 128, 14336, 128256, 8192),
}
