"""The gradient check itself: it has to pass what is right and catch what is wrong."""

import numpy as np
import pytest

from course_utils.finite_differences import gradient_check
from course_utils.softmax import softmax


def product(x, y):
    return x * y


def product_backward(d, x, y):
    return d * y, d * x


X = np.array([[0.5, -2.0, 3.0]])
Y = np.array([[1.5, 0.25, -1.0]])


def test_a_right_gradient_passes():
    assert max(gradient_check(product, product_backward, X, Y)) < 1e-9


def test_the_wrong_input_is_told_from_the_right_one():
    def backward(d, x, y):
        return d * y, d * x * 1.001

    right, wrong = gradient_check(product, backward, X, Y)
    assert right < 1e-9
    assert wrong == pytest.approx(1e-3, rel=0.2)


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
    (error,) = gradient_check(softmax, lambda d, x: mistake(d, softmax(x)), x)
    assert error > 1e-2


def test_a_small_gradient_is_compared_absolutely_and_a_large_one_relatively():
    (small,) = gradient_check(
        lambda x: 1e-3 * x, lambda d, x: 2e-3 * d, np.ones(1), step=1e-3
    )
    (large,) = gradient_check(
        lambda x: 1e3 * x, lambda d, x: 2e3 * d, np.ones(1), step=1e-3
    )
    assert 0 < small < 2e-3
    assert large == pytest.approx(1.0)


def test_a_gradient_that_is_not_a_number_never_passes():
    def backward(d, x, y):
        return d * y, d * x + np.where(x > 0, np.nan, 0)

    errors = gradient_check(product, backward, X, Y)
    assert errors[0] < 1e-9
    assert errors[1] == np.inf


def test_functions_of_one_number_and_of_none():
    def square(x):
        return x * x

    (error,) = gradient_check(square, lambda d, x: 2 * x * d, 3.0)
    assert error < 1e-9
    assert gradient_check(square, lambda d, x: d, np.zeros((0, 3))) == (0.0,)


def test_integers_are_moved_as_floats_and_inputs_stay_as_they_are():
    x = np.array([1, 2, 3])
    x.flags.writeable = False
    (error,) = gradient_check(lambda x: x**2, lambda d, x: 2 * x * d, x)
    assert error < 1e-8
    np.testing.assert_array_equal(x, [1, 2, 3])


def test_the_step_is_the_distance_that_is_moved():
    moved = []

    def function(x):
        moved.append(float(x[0]))
        return x

    gradient_check(function, lambda d, x: d, np.zeros(1), step=0.25)
    assert moved == [0.0, 0.25, -0.25]


def test_two_calls_agree():
    def call():
        return gradient_check(np.sin, lambda d, x: d * np.cos(x), X)

    assert call() == call()


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((product, product_backward), {}, ValueError, "inputs needs at least one"),
        ((product, product_backward, ["a"], Y), {}, TypeError, r"inputs\[0\]"),
        ((product, product_backward, X, Y * 1j), {}, TypeError, r"inputs\[1\]"),
        ((product, product_backward, X, Y), {"step": 0.0}, ValueError, "step"),
        ((product, product_backward, X, Y), {"step": "1"}, TypeError, "step"),
        ((product, lambda d, x, y: d, X, Y), {}, ValueError, "2 inputs; .* 1"),
        (
            (product, lambda d, x, y: (d, d[0]), X, Y),
            {},
            ValueError,
            r"gradient 1 of backward needs .*\(1, 3\).*\(3,\)",
        ),
        ((np.sin, lambda d, x: d * 1j, X), {}, TypeError, "gradient 0 of backward"),
        ((lambda x: x * 1j, lambda d, x: d, X), {}, TypeError, "output of function"),
        ((None, product_backward, X), {}, TypeError, "function needs"),
        ((np.sin, None, X), {}, TypeError, "backward needs"),
    ],
)
def test_a_bad_argument_is_named(arguments, options, error, message):
    with pytest.raises(error, match=message):
        gradient_check(*arguments, **options)
