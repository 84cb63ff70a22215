"""The gradient check itself: it has to pass what is right and catch what is wrong."""

import numpy as np
import pytest

from course_utils.finite_differences import gradient_check
from course_utils.softmax import softmax


def product(x, y):
    return x * y, lambda d: (d * y, d * x)


def sine(x):
    return np.sin(x), lambda d: (d * np.cos(x),)


def claimed(function, backward):
    """Return a vjp of a function whose way back is what it is said to be."""
    return lambda *x: (function(*x), lambda d: backward(d, *x))


X = np.array([[0.5, -2.0, 3.0]])
Y = np.array([[1.5, 0.25, -1.0]])


def test_a_right_gradient_passes():
    assert max(gradient_check(product, X, Y)) < 1e-9


def test_the_wrong_input_is_told_from_the_right_one():
    def vjp(x, y):
        return x * y, lambda d: (d * y, d * x * 1.001)

    right, wrong = gradient_check(vjp, X, Y)
    assert right < 1e-9
    assert wrong == pytest.approx(1e-3, rel=0.2)


@pytest.mark.parametrize("order", [["w", "b"], ["b", "w"]])
@pytest.mark.parametrize("name", ["w", "b"])
def test_a_dictionary_is_one_input_and_its_worst_array_counts(order, name):
    def vjp(x, p):
        def back(d):
            gradients = {"w": d * x, "b": d}
            gradients[name] = gradients[name] * 1.001
            return d * p["w"], {key: gradients[key] for key in order}

        return x * p["w"] + p["b"], back

    right, wrong = gradient_check(vjp, X, {"w": Y, "b": X})
    assert right < 1e-9
    assert 1e-4 < wrong < 1e-2


@pytest.mark.parametrize(
    "mistake",
    [
        lambda d, w: w * (1 - w) * d,  # the diagonal of the Jacobian alone
        lambda d, w: w * d,  # without the row sum
        lambda d, w: -w * (d - (d * w).sum()),  # the wrong sign
        lambda d, w: w * (d - d.mean()),  # a plain mean
    ],
)
def test_famous_mistakes_are_caught(mistake):
    x = np.array([0.3, -0.7, 1.2])
    vjp = claimed(softmax, lambda d, x: (mistake(d, softmax(x)),))
    (error,) = gradient_check(vjp, x)
    assert error > 1e-2


def test_a_small_gradient_is_compared_absolutely_and_a_large_one_relatively():
    (small,) = gradient_check(
        claimed(lambda x: 1e-3 * x, lambda d, x: (2e-3 * d,)), np.ones(1), step=1e-3
    )
    (large,) = gradient_check(
        claimed(lambda x: 1e3 * x, lambda d, x: (2e3 * d,)), np.ones(1), step=1e-3
    )
    assert 0 < small < 2e-3
    assert large == pytest.approx(1.0)


def test_a_gradient_that_is_not_a_number_never_passes():
    def vjp(x, y):
        return x * y, lambda d: (d * y, d * x + np.where(x > 0, np.nan, 0))

    errors = gradient_check(vjp, X, Y)
    assert errors[0] < 1e-9
    assert errors[1] == np.inf


def test_functions_of_one_number_and_of_none():
    def square(x):
        return x * x, lambda d: (2 * x * d,)

    (error,) = gradient_check(square, 3.0)
    assert error < 1e-9
    assert gradient_check(square, np.zeros((0, 3))) == (0.0,)
    assert gradient_check(lambda p: (0.0, lambda d: ({},)), {}) == (0.0,)


def test_an_output_may_be_the_input_itself():
    (error,) = gradient_check(lambda x: (x, lambda d: (d,)), X)
    assert error < 1e-9


def test_integers_are_moved_as_floats_and_inputs_stay_as_they_are():
    x = np.array([1, 2, 3])
    x.flags.writeable = False
    given = {"x": x}
    errors = gradient_check(
        lambda x, p: (x**2 * p["x"], lambda d: (2 * x * p["x"] * d, {"x": x**2 * d})),
        x,
        given,
    )
    assert max(errors) < 1e-8
    np.testing.assert_array_equal(x, [1, 2, 3])
    assert given == {"x": x}


def test_the_step_is_the_distance_that_is_moved():
    moved = []

    def vjp(x):
        moved.append(float(x[0]))
        return x, lambda d: (d,)

    gradient_check(vjp, np.zeros(1), step=0.25)
    assert moved == [0.0, 0.25, -0.25]


def test_two_calls_agree():
    assert gradient_check(sine, X) == gradient_check(sine, X)


PAIR = (X, Y)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((product,), {}, ValueError, "`inputs` must hold at least one"),
        ((product, ["a"], Y), {}, TypeError, r"`inputs\[0\]`"),
        ((product, X, Y * 1j), {}, TypeError, r"`inputs\[1\]`"),
        ((product, X, {"y": ["a"]}), {}, TypeError, r"`inputs\[1\]\['y'\]`"),
        ((product, *PAIR), {"step": 0.0}, ValueError, "`step`"),
        ((product, *PAIR), {"step": "1"}, TypeError, "`step`"),
        (
            (claimed(np.multiply, lambda d, x, y: (d,)), *PAIR),
            {},
            ValueError,
            "`back` must return a tuple of 2 gradients.*; got 1$",
        ),
        (
            (claimed(np.sin, lambda d, x: d), X),
            {},
            ValueError,
            "`back` must return a tuple of 1 .*got .*ndarray",
        ),
        (
            (claimed(np.multiply, lambda d, x, y: (d, d[0])), *PAIR),
            {},
            ValueError,
            r"`gradient 1 of back` must have shape \(1, 3\); got \(3,\)",
        ),
        (
            (claimed(np.sin, lambda d, x: (d * 1j,)), X),
            {},
            TypeError,
            "gradient 0 of back",
        ),
        (
            (lambda p: (p["w"], lambda d: ({"v": d},)), {"w": X}),
            {},
            ValueError,
            r"`gradient 0 of back` must have the names \['w'\]; got \{'v'",
        ),
        (
            (lambda p: (p["w"], lambda d: (d,)), {"w": X}),
            {},
            ValueError,
            r"`gradient 0 of back` must have the names \['w'\]",
        ),
        ((None, X), {}, TypeError, "`vjp` must be callable; got None"),
    ],
)
def test_a_bad_argument_is_named(arguments, options, error, message):
    with pytest.raises(error, match=message):
        gradient_check(*arguments, **options)
