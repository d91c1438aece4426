from evoflow.embed.cost import Forecast, size_in_words


def forecast(times, *, sequences, all_tokens=0):
    """Tell what is said while one batch after the other is done: (sequences done, seconds)."""
    said = []
    clock = iter([seconds for _, seconds in times])
    found = Forecast(sequences, all_tokens, "GPU", said.append, lambda: next(clock))
    for done, _ in times:
        found.advance(done, len(sequences))
    return said


def test_sequences_and_tokens_are_counted():
    assert size_in_words(["ACGT"] * 1_200) == "1,200 sequences x 4 tokens"
    assert size_in_words(["ACGT", "AC"]) == "2 sequences x 2 to 4 tokens"


def test_hours_are_those_at_the_rate_of_the_first_batches():
    # Of 36,000 sequences 100 came in 25 seconds, once the first was there: 4 a second, 2.5 hours.
    (said,) = forecast(
        [(1, 60.0), (41, 70.0), (101, 85.0), (102, 900.0)], sequences=["A" * 8192] * 36_000
    )
    assert said == (
        "36,000 sequences x 8,192 tokens: about 2.50 GPU hours at the rate of the first batches"
    )


def test_other_shards_cost_by_their_tokens():
    (said,) = forecast([(1, 0.0), (21, 40.0)], sequences=["AC"] * 360, all_tokens=2_160)
    assert "about 0.20 GPU hours (0.60 GPU hours for those of all shards) at" in said


def test_a_short_task_is_told_of_early():
    (said,) = forecast([(1, 0.0), (2, 0.5), (11, 1.0)], sequences=["AC"] * 200)
    assert said.startswith("200 sequences x 2 tokens: about 20 s of GPU")
