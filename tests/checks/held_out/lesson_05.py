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
    "diagnose_scale": [
        wrong(
            "1 and 2 are swapped",
            "softmax(s / d)",
            """
d = key.shape[1]
s = query @ key.T
versions = [softmax(s / d**0.5), softmax(s / d), softmax(s), softmax(s) / d**0.5]
return int(np.argmin([np.abs(weights - v).sum() for v in versions]))
""",
            says="faults 1 and 2 are swapped",
        ),
        wrong(
            "how sharp the weights are does not tell",
            "weights.max",
            """
d = query.shape[1]
s = query @ key.T
if np.allclose(weights, softmax(s / d**0.5), atol=1e-5):
    return 0
if not np.allclose(weights.sum(1), 1, atol=1e-4):
    return 3
return 1 if weights.max(axis=1).mean() > 0.5 else 2
""",
        ),
        wrong(
            "never finds 3",
            "versions = [",
            """
s, d = query @ key.T, query.shape[1]
versions = [softmax(s / d**0.5), softmax(s), softmax(s / d)]
gaps = [np.linalg.norm(weights - v) for v in versions]
return np.argmin(gaps)
""",
            says="it never finds fault 3",
        ),
        wrong(
            "the number of keys in place of d_k",
            "key.shape[0]",
            """
s, d = query @ key.T, key.shape[0]
versions = np.array([softmax(s / d**0.5), softmax(s), softmax(s / d), softmax(s) / d**0.5])
return np.abs(versions - weights).max((1, 2)).argmin()
""",
        ),
        wrong(
            "fault 3 divides by d_k",
            "softmax(s) / d)",
            """
s = np.inner(query, key)
d = query.shape[-1]
versions = (softmax(s / np.sqrt(d)), softmax(s), softmax(s / d), softmax(s) / d)
for number in range(4):
    if np.allclose(versions[number], weights, atol=1e-5):
        return number
""",
        ),
        wrong(
            "the largest gap wins",
            "argmax",
            """
s, d = query @ key.T, query.shape[1]
gaps = []
for v in (softmax(s / d**0.5), softmax(s), softmax(s / d), softmax(s) / d**0.5):
    gaps.append(np.abs(v - weights).mean())
return np.argmax(gaps)
""",
        ),
        wrong(
            "the numbers begin at 1",
            "number = 1",
            """
s, d = query @ key.T, query.shape[1]
number = 1
for v in (softmax(s / d**0.5), softmax(s), softmax(s / d), softmax(s) / d**0.5):
    if np.allclose(v, weights, atol=1e-4, rtol=1e-3):
        return number
    number += 1
return 0
""",
            says="it counts from 1",
        ),
        right("""
s, d = query @ key.T, query.shape[1]
if abs(weights.sum(1) - 1).max() > 1e-3:
    return 3
gaps = {abs(softmax(s * f) - weights).max(): i for i, f in enumerate((d**-0.5, 1, 1 / d))}
return gaps[min(gaps)]
"""),
        right("""
d = query.shape[1]
made = np.stack([softmax(query @ key.T / t) for t in (d**0.5, 1, d)])
made = np.concatenate([made, made[1:2] / d**0.5])
return int(np.square(made - weights).sum(axis=(1, 2)).argmin())
"""),
    ],
}
