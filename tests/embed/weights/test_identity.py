"""The name of weights depends on what they are, not on how they are filed."""

import pytest

from evoflow.embed.weights.identity import tensor_digest, weights_identity

ONE = ("a.weight", "F32", (2, 3), tensor_digest(b"one"))
TWO = ("b.weight", "F32", (3,), tensor_digest(b"two"))


def test_the_order_of_the_tensors_makes_no_difference():
    assert weights_identity([ONE, TWO]) == weights_identity([TWO, ONE])
    assert len(weights_identity([ONE, TWO])) == 32


@pytest.mark.parametrize(
    "other",
    [
        ("c.weight", *ONE[1:]),
        (ONE[0], "BF16", *ONE[2:]),
        (*ONE[:2], (3, 2), ONE[3]),
        (*ONE[:3], tensor_digest(b"onf")),
    ],
)
def test_any_difference_of_a_tensor_gives_another_name(other):
    assert weights_identity([other, TWO]) != weights_identity([ONE, TWO])


def test_the_digest_is_that_of_xxh3():
    # The digest of nothing, as the specification of XXH3 (128 bits, seed 0) gives it.
    assert tensor_digest(b"") == "99aa06d3014798d86001c324468d497f"
