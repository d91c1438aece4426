import pytest

from evoflow.errors import InputError
from evoflow.remote.answers import TransientError, UnavailableError, refusal


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (503, TransientError, "the server answers 503"),
        (404, UnavailableError, "there is no such file"),
        (403, UnavailableError, "no permission, or no such file"),
        (418, InputError, "the server answers 418; check the URL"),
    ],
)
def test_a_status_says_what_to_do(status, kind, said):
    error = refusal("https://lab.org/b.bam", status)
    assert type(error) is kind
    assert said in str(error)
