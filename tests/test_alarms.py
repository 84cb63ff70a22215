"""What BLAS says of its own arithmetic reaches a caller only if it is true."""

import warnings

import numpy as np
import pytest

from course_utils._alarms import no_false_alarm
from course_utils.attention import (
    scaled_dot_product_attention,
    scaled_dot_product_attention_vjp,
)


def invalid():
    """Raise the flag as a product may, and leave it raised."""
    return np.subtract(np.inf, np.inf)


def test_a_false_alarm_reaches_nobody():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with no_false_alarm(np.ones(2)) as results:
            invalid()
            results.append(np.zeros(3))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_true_alarm_is_treated_as_the_caller_says(bad):
    def alarm():
        with no_false_alarm(np.ones(2)) as results:
            invalid()
            results.append(np.array([1.0, bad]))

    with pytest.warns(RuntimeWarning, match="invalid value"):
        alarm()
    with np.errstate(invalid="raise"), pytest.raises(FloatingPointError):
        alarm()
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("error")
        alarm()


@pytest.mark.parametrize("n", [3, 100])  # few queries, and a block without a maximum
@pytest.mark.parametrize("options", [{}, {"return_weights": True}, {"is_causal": True}])
def test_attention_warns_of_what_is_not_a_number(n, options):
    query, key, value = np.ones((3, n, 2))
    value = value.copy()
    value[0] = np.inf
    value[1] = -np.inf
    with pytest.warns(RuntimeWarning, match="invalid value"):
        scaled_dot_product_attention(query, key, value, **options)


def test_the_way_back_warns_of_what_is_not_a_number():
    _, back = scaled_dot_product_attention_vjp(*np.ones((3, 4, 2)))
    d_output = np.ones((4, 2))
    d_output[:2, 0] = np.inf, -np.inf
    with pytest.warns(RuntimeWarning, match="invalid value"):
        back(d_output)
