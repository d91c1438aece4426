"""Letters and their ids."""

from evoflow.embed.hyena.tokens import encode


def test_letters_are_their_bytes_in_upper_case_padded_on_the_right():
    assert encode(["acgTN", "A"]).tolist() == [[65, 67, 71, 84, 78], [65, 1, 1, 1, 1]]
