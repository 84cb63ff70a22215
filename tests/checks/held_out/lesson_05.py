"""Answers to the exercises of lesson 5."""

from held_out import right, wrong

ANSWERS = {
    "score_variance": [
        wrong(
            "the standard deviation and not the variance",
            "np.sqrt",
            """
return np.sqrt(d_k) * std_query * std_key
""",
            says="it is the standard deviation, not the variance",
        ),
        wrong(
            "the deviations are not squared",
            "std_query * std_key",
            """
variance_of_one = std_query * std_key
return d_k * variance_of_one
""",
            says="the standard deviations are not squared",
        ),
        wrong(
            "the two variances are added",
            "+",
            """
var_q, var_k = std_query**2, std_key**2
return d_k * (var_q + var_k)
""",
            says="the two variances are added",
        ),
        wrong(
            "d_k is squared too",
            "(d_k * std_query",
            """
total = (d_k * std_query * std_key) ** 2
return total
""",
            says="it grows with the square of d_k",
        ),
        wrong(
            "d_k is forgotten",
            "return",
            """
return std_query**2 * std_key**2
""",
            says="it is the variance of one product",
        ),
        wrong(
            "only the query's deviation is squared",
            "std_query**2 * std_key",
            """
total = 0
for _ in range(d_k):
    total += std_query**2 * std_key
return total
""",
            says="divided by `std_key`",
        ),
        wrong(
            "one product too few",
            "range(1, d_k)",
            """
total = 0.0
for _ in range(1, d_k):
    total = total + (std_query * std_key) ** 2
return total
""",
        ),
        right("""
return sum((std_query * std_key) ** 2 for _ in range(int(d_k)))
"""),
        right("""
return float(np.prod([d_k, std_query, std_query, std_key, std_key]))
"""),
    ],
    "scaled_dot_product_attention": [
        wrong(
            "no scale",
            "softmax(scores)",
            """
scores = np.einsum("...qd,...kd->...qk", query, key)
w = softmax(scores)
return w @ value
""",
            says="the scale is missing",
        ),
        wrong(
            "divided by d_k, not its root",
            "/ query.shape[-1]",
            """
s = query @ np.swapaxes(key, -2, -1) / query.shape[-1]
return softmax(s, axis=-1) @ value
""",
            says="it divides by d_k",
        ),
        wrong(
            "the root of the number of keys",
            "key.shape[-2]",
            """
n = key.shape[-2]
s = query @ key.swapaxes(-1, -2) / n**0.5
return np.matmul(softmax(s), value)
""",
            says="it divides by the root of n_k, the number of keys",
        ),
        wrong(
            ".T turns the further axes too",
            "key.T",
            """
d_k = query.shape[-1]
scores = query @ key.T / d_k**0.5
return softmax(scores) @ value
""",
        ),
        wrong(
            "the scale after the softmax",
            "weights / ",
            """
scores = np.matmul(query, np.moveaxis(key, -1, -2))
weights = softmax(scores)
weights = weights / query.shape[-1] ** 0.5
return weights @ value
""",
            says="the scale comes after the softmax",
        ),
        wrong(
            "a NumPy root makes float64 of float32",
            "np.sqrt",
            """
scores = query @ key.swapaxes(-1, -2) / np.sqrt(query.shape[-1])
return softmax(scores) @ value
""",
            says="the result is float64 where the arguments are float32",
        ),
        wrong(
            "shares out over the queries",
            "axis=-2",
            """
scale = query.shape[-1] ** -0.5
s = np.einsum("...id,...jd->...ij", query * scale, key)
return np.einsum("...ij,...jv->...iv", softmax(s, axis=-2), value)
""",
            says="the weights of one key sum to 1 over the queries",
        ),
        wrong(
            "large scores overflow",
            "np.exp(s)",
            """
s = query @ key.swapaxes(-1, -2) * query.shape[-1] ** -0.5
e = np.exp(s)
return e / e.sum(-1, keepdims=True) @ value
""",
            says="large scores overflow",
        ),
        wrong(
            "the length of the first axis for the scale, and no subtraction",
            ("len(query)", "np.exp"),
            """
s = query @ key.swapaxes(-1, -2) / len(query) ** 0.5
e = np.exp(s)
return e / e.sum(-1, keepdims=True) @ value
""",
        ),
        right("""
root = float(query.shape[-1]) ** 0.25
s = np.einsum("...qd,...kd->...qk", query / root, key / root)
e = np.exp(s - s.max(-1, keepdims=True))
return (e @ value) / e.sum(-1, keepdims=True)
"""),
        right("""
return softmax(query @ key.mT, temperature=query.shape[-1] ** 0.5) @ value
"""),
    ],
    "unit_scale": [
        wrong(
            "the variance, not one over its root",
            "return d_k",
            """
d_k = key.shape[1]
return d_k * (query**2).mean() * (key**2).mean()
""",
        ),
        wrong(
            "one over the variance",
            "1 / variance",
            """
variance = query.shape[1] * np.mean(np.square(query)) * np.mean(np.square(key))
return 1 / variance
""",
            says="the root is missing",
        ),
        wrong(
            "d_k is forgotten",
            "np.sqrt",
            """
vq = np.mean(query * query)
vk = np.mean(key * key)
return 1 / np.sqrt(vq * vk)
""",
            says="d_k is missing",
        ),
        wrong(
            "the number of queries for d_k",
            "len(query)",
            """
vq, vk = (query**2).mean(), (key**2).mean()
return (len(query) * vq * vk) ** -0.5
""",
        ),
        wrong(
            "measured on the scores",
            "scores",
            """
scores = query @ key.T
return 1 / scores.std()
""",
        ),
        wrong(
            "the mean is subtracted first",
            ("query.var()", "key.var()"),
            """
d_k = query.shape[-1]
return 1 / (d_k * query.var() * key.var()) ** 0.5
""",
        ),
        wrong(
            "the root of the variance, not one over it",
            "np.sqrt",
            """
q2 = np.sum(query**2) / query.size
k2 = np.sum(key**2) / key.size
return np.sqrt(query.shape[1] * q2 * k2)
""",
            says="it is the spread itself",
        ),
        wrong(
            "the sum of squares in place of the mean",
            "np.sum(key**2)",
            """
q2 = np.sum(query**2) / query.size
k2 = np.sum(key**2)
return (query.shape[1] * q2 * k2) ** -0.5
""",
        ),
        right("""
rms = lambda x: np.linalg.norm(x) / x.size**0.5
return 1 / (rms(query) * rms(key) * query.shape[1] ** 0.5)
"""),
        right("""
total = np.vdot(query, query) * np.vdot(key, key)
return np.exp(-0.5 * np.log(total * query.shape[1] / query.size / key.size))
"""),
    ],
    "scale_for_weight": [
        wrong(
            "the half is missing: the others score -s, not 0",
            "return np.log(",
            """
return np.log((n_k - 1) * weight / (1 - weight))
""",
            says="with a cosine of 0",
        ),
        wrong(
            "all keys are counted as others",
            "others = n_k",
            """
others = n_k
return 0.5 * np.log(others * weight / (1 - weight))
""",
            says="it counts n_k other keys",
        ),
        wrong(
            "the odds are upside down",
            ("(1 - weight) / weight", "(n_k - 1) * ratio"),
            """
ratio = (1 - weight) / weight
return np.log((n_k - 1) * ratio) / 2
""",
        ),
        wrong(
            "the logarithm of the weight in place of that of the odds",
            "np.log((n_k - 1) * weight)",
            """
return np.log((n_k - 1) * weight) / 2
""",
            says="the other keys together get 1 − weight",
        ),
        wrong(
            "the number of others divides",
            "weight / ((n_k - 1) * (1 - weight))",
            """
odds = weight / ((n_k - 1) * (1 - weight))
return np.log(odds) / 2
""",
        ),
        wrong(
            "the search stops at whole numbers",
            "s += 1",
            """
s = 0
while np.exp(s) / (np.exp(s) + (n_k - 1) * np.exp(-s)) < weight:
    s += 1
return s
""",
        ),
        right(
            """
low, high = -100.0, 100.0
for _ in range(200):
    s = (low + high) / 2
    if 1 / (1 + (n_k - 1) * np.exp(-2 * s)) < weight:
        low = s
    else:
        high = s
return high
"""
        ),
        right(
            """
return -0.5 * np.log((1 / weight - 1) / (n_k - 1))
"""
        ),
    ],
}
