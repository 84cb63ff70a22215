"""Every step that sends a gradient back, with arguments of every kind it takes."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import course_utils
from course_utils import attention, layers, multi_head, positions, scores
from course_utils.softmax import softmax_vjp

BIASES = ("b_query", "b_key", "b_value", "b_out")
HIDES = np.array([[True, False, True, True], [False] * 4, [True] * 4])
# These take arrays of one dtype as they are: who calls them has read the arguments.
CORE = {softmax_vjp, attention.attention_vjp, scores.additive_score_vjp}


def call(vjp, arguments):
    """Call a vjp; return its output, `back`, and names and values of its inputs.

    The inputs are the floating arrays among the arguments, in their order: those that
    get a gradient. The parameters of multi-head attention are one of them.
    """
    inputs, options = split(vjp, arguments)
    return *vjp(**inputs, **fresh(options)), inputs


def split(vjp, arguments):
    """Part the arguments that get a gradient from the others."""
    inputs, options = {}, {}
    for name, x in arguments.items():
        if getattr(x, "dtype", np.dtype(int)).kind != "f":
            options[name] = x
        elif vjp is multi_head.multi_head_attention_vjp and name[:2] in ("w_", "b_"):
            inputs.setdefault("parameters", {})[name] = x
        else:
            inputs[name] = x
    return inputs, options


def fresh(options):
    """Make a generator of a seed, so that each call draws the same."""
    return {
        name: np.random.default_rng(x) if name == "rng" else x
        for name, x in options.items()
    }


def gradients(vjp, arguments, d_output):
    """Return the output, and the gradient of each input by its name."""
    output, back, inputs = call(vjp, arguments)
    by_name = dict(zip(inputs, back(d_output), strict=True))
    return output, by_name | by_name.pop("parameters", {})


def change(arguments, how):
    """Apply a change to every floating array among the arguments."""
    return {
        name: how(x) if getattr(x, "dtype", np.dtype(int)).kind == "f" else x
        for name, x in arguments.items()
    }


def defined():
    """Return every vjp that a module of the mathematics defines."""
    folder = Path(course_utils.__file__).parent
    modules = [
        import_module(f"course_utils.{path.stem}")
        for path in sorted(folder.glob("*.py"))
        if not path.stem.startswith("_")
    ]
    return {x for module in modules for x in _own_vjps(module)}


def _own_vjps(module: ModuleType):
    return [
        x
        for name, x in vars(module).items()
        if name.endswith("_vjp")
        and not name.startswith("_")
        and x.__module__ == module.__name__
    ]


def _attention_cases(array):
    def case(*shapes, bias=None, **options):
        names = ("query", "key", "value")
        arrays = {n: array(*shape) for n, shape in zip(names, shapes, strict=True)}
        mask = {} if bias is None else {"attn_mask": array(*bias)}
        return arrays | mask | options

    plain, stack = ((3, 5), (4, 5), (4, 2)), ((2, 3, 5), (2, 4, 5), (2, 4, 2))
    grouped = (2, 4, 3, 5), (1, 2, 4, 5), (2, 4, 2)
    heads = (2, 4, 3, 5), (2, 4, 4, 5), (2, 4, 4, 2)
    yield "plain", case(*plain)
    yield "hidden", case(*stack, attn_mask=HIDES)
    yield "broadcast-causal", case((2, 3, 5), (4, 5), (1, 4, 2), is_causal=True)
    yield "scaled", case((3, 5), (4, 5), (2, 4, 2), scale=-0.3)
    yield "softcap-hidden", case(*plain, softcap=0.7, attn_mask=HIDES)
    yield "softcap-scaled", case(*plain, softcap=0.7, scale=0.9, is_causal=True)
    yield "groups", case((4, 3, 5), (2, 4, 5), (2, 4, 2), enable_gqa=True)
    yield "groups-broadcast", case(*grouped, enable_gqa=True, attn_mask=HIDES)
    yield "groups-bias", case(*grouped, enable_gqa=True, bias=(2, 4, 1, 4))
    yield "groups-bias-softcap", case(*grouped, enable_gqa=True, bias=(4,), softcap=2.0)
    yield "no-keys", case((3, 5), (0, 5), (0, 2))
    yield "no-keys-bias", case((2, 3, 5), (0, 5), (0, 2), bias=(3, 0))
    yield "no-queries", case((0, 5), (4, 5), (4, 2))
    for shape in ((4,), (3, 4), (1, 4), (2, 1, 3, 4), (4, 3, 1)):
        name = f"bias-{'-'.join(map(str, shape))}"
        yield name, case(*heads, bias=shape, is_causal=True)
        yield f"{name}-softcap", case(*heads, bias=shape, is_causal=True, softcap=1.5)


def _multi_head_cases(array):
    def case(models=(), num_biases=4, bias=None, **options):
        arrays = {
            "query": array(*models, 2, 3, 5),
            "key": array(*models, *((2,) if models else ()), 4, 6),
            "value": array(*models, *((2,) if models else (1,)), 4, 3),
            "w_query": array(*models, 5, 8),
            "w_key": array(*models, 6, 4),
            "w_value": array(*models, 3, 6),
            "w_out": array(*models, 12, 7),
        }
        for name, size in list(zip(BIASES, (8, 4, 6, 7), strict=True))[:num_biases]:
            arrays[name] = array(*models, size)
        mask = {} if bias is None else {"attn_mask": array(*bias)}
        return arrays | mask | {"num_heads": 4, "num_kv_heads": 2} | options

    for num_biases in (0, 2, 4):
        for is_causal in (False, True):
            yield (
                f"{num_biases}-biases{'-causal' * is_causal}",
                case((), num_biases, is_causal=is_causal, attn_mask=HIDES),
            )
    for shape in ((3, 4), (1, 4, 1, 4), (2, 1, 3, 4)):
        yield f"bias-{'-'.join(map(str, shape))}", case(bias=shape)
    yield "models", case((2,), attn_mask=HIDES)
    yield "models-bias", case((2,), 0, bias=(3, 4), is_causal=True)


def _layer_cases(array):
    for shape in ((4,), (3, 4), (2, 3, 4), (0, 4)):
        name = "-".join(map(str, shape))
        both = {"x": array(*shape), "weight": array(4, 5)}
        yield layers.linear_vjp, name, both | {"bias": array(5)}
        yield layers.linear_vjp, f"{name}-no-bias", both
        norm = {"x": array(*shape), "gain": array(4), "bias": array(4)}
        yield layers.layer_norm_vjp, name, norm
        yield layers.relu_vjp, name, {"x": array(*shape)}
        yield layers.gelu_vjp, name, {"x": 2 * array(*shape)}
        yield layers.dropout_vjp, name, {"x": array(*shape), "rate": 0.4, "rng": 0}
        gates = {"inputs": array(*shape[:-1], 12), "state": array(*shape)}
        cell = {"weight": array(4, 12), "bias": array(12)}
        yield layers.gru_step_vjp, name, gates | cell
    norm = {"x": array(3, 4), "gain": array(4), "bias": array(4), "epsilon": 0.5}
    yield layers.layer_norm_vjp, "epsilon", norm
    for i, tokens in enumerate((3, [0, 3, 3, 1], [[4, 4], [0, 4]], [[]])):
        tokens = np.array(tokens, int)
        yield layers.embedding_vjp, str(i), {"table": array(5, 3), "tokens": tokens}
    for i, targets in enumerate((2, [0, 3, 1], [[0, -1, 3], [-1, -1, 2]])):
        case = {"logits": array(*np.shape(targets), 4), "targets": np.array(targets)}
        yield layers.cross_entropy_vjp, str(i), case


def _models_cases(array):
    """Two models side by side, or two times two."""
    for models in ((2,), (2, 2)):
        name = f"models-{len(models)}"
        x, d = array(*models, 3, 4), {"d": 4, "gates": 12}
        weights = {"weight": array(*models, 4, 5), "bias": array(*models, 5)}
        yield layers.linear_vjp, name, {"x": x, **weights}
        gain = {"gain": array(*models, 4), "bias": array(*models, 4)}
        yield layers.layer_norm_vjp, name, {"x": array(*models, 2, 3, 4), **gain}
        cell = {"inputs": array(*models, 3, d["gates"]), "state": x}
        cell |= {"weight": array(*models, 4, 12), "bias": array(*models, 12)}
        yield layers.gru_step_vjp, name, cell
        tokens = np.arange(2 ** len(models) * 6).reshape(*models, 2, 3) ** 2 % 5
        table = {"table": array(*models, 5, 3), "tokens": tokens}
        yield layers.embedding_vjp, name, table
        pair = {"query": array(*models, 3, 2, 6), "key": array(*models, 3, 4, 5)}
        hidden = {"w_query": array(*models, 6, 7), "w_key": array(*models, 5, 7)}
        hidden["v"] = array(*models, 7)
        yield scores.additive_score_vjp, name, {**pair, **hidden}


def _cases():
    rng = np.random.default_rng(0)

    def array(*shape):
        return rng.standard_normal(shape)

    yield softmax_vjp, "rows", {"scores": array(2, 3, 4)}
    yield softmax_vjp, "one", {"scores": array(4)}
    yield softmax_vjp, "empty", {"scores": array(3, 0)}
    triple = {"query": array(2, 3, 5), "key": array(2, 4, 5), "value": array(2, 4, 2)}
    core = {**triple, "bias": array(2, 3, 4)}
    yield attention.attention_vjp, "bias", core
    rows = {"query": array(1, 5), "key": array(4, 5), "value": array(4, 2)}
    yield attention.attention_vjp, "row", {**rows, "bias": array(1, 4)}
    for name, arguments in _attention_cases(array):
        yield attention.scaled_dot_product_attention_vjp, name, arguments
    for name, arguments in _multi_head_cases(array):
        yield multi_head.multi_head_attention_vjp, name, arguments
    for leading in ((), (2,), (2, 3)):
        arguments = {"query": array(*leading, 3, 6), "key": array(*leading, 4, 5)}
        hidden = {"w_query": array(6, 7), "w_key": array(5, 7), "v": array(7)}
        yield scores.additive_score_vjp, str(len(leading)), {**arguments, **hidden}
    where = np.array([0, 3, 100])
    turns = {"x": array(2, 3, 4), "positions": where, "base": 50.0}
    yield positions.rotary_embedding_vjp, "base", turns
    turns = {"x": array(2, 3, 6), "positions": np.array([[1, 0, 7], [9, 2, 4]])}
    yield positions.rotary_embedding_vjp, "batch", turns
    for offset in (0, 2, -1):
        table = {"table": array(2, 5), "n_q": 3, "n_k": 6, "offset": offset}
        yield positions.relative_position_bias_vjp, str(offset), table
    yield positions.relative_position_bias_vjp, "few", {"table": array(1), "n_q": 4}
    yield from _layer_cases(array)
    yield from _models_cases(array)


CASES = [
    pytest.param(vjp, arguments, id=f"{vjp.__name__}-{name}")
    for vjp, name, arguments in _cases()
]
