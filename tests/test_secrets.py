import pytest

from evoflow import secrets
from evoflow.errors import InputError
from evoflow.settings import parse_yaml


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    """An environment and a memory of expansions of its own."""
    monkeypatch.setattr(secrets, "_expanded", {})
    monkeypatch.setattr(secrets, "environ", {"TOKEN": "hunter2secret", "DATA": "/lab/data"})


def test_a_url_gives_its_secrets_to_the_environment_and_gets_them_back():
    url = "https://alice:pa55word@host/x.bam?sig=abc&expires=99"
    kept = secrets.conceal(url)
    assert kept == (
        "https://${EVOFLOW_SECRET_1}:${EVOFLOW_SECRET_2}@host/x.bam"
        "?sig=${EVOFLOW_SECRET_3}&expires=${EVOFLOW_SECRET_4}"
    )
    assert secrets.expand(kept) == url
    assert secrets.conceal(url) == kept
    assert secrets.conceal(kept) == kept


@pytest.mark.parametrize(
    "text",
    [
        "/data/x.bam",
        "s3://bucket/x.bam",
        "s3://bucket/a?b=c&day=2024;e",
        "chr17:1-100",
        "a?b=c",
        "https://h/x@1.bam",
    ],
)
def test_text_without_secrets_stays(text):
    assert secrets.conceal(text) == text
    assert secrets.redact(text) == text


def test_a_variable_in_a_url_stays_a_variable():
    url = "https://${TOKEN}@host/x?t=${TOKEN}"
    assert secrets.conceal(url) == url
    assert secrets.expand(url) == "https://hunter2secret@host/x?t=hunter2secret"


def test_a_password_with_an_at_sign_is_kept_out_whole():
    kept = secrets.conceal("https://alice:p@55@host/x.bam")
    assert kept == "https://${EVOFLOW_SECRET_1}:${EVOFLOW_SECRET_2}@host/x.bam"
    assert secrets.expand(kept) == "https://alice:p@55@host/x.bam"


def test_a_part_that_mixes_letters_and_variables_is_a_secret_as_a_whole():
    kept = secrets.conceal("https://h/x?t=v1.${TOKEN}")
    assert kept == "https://h/x?t=${EVOFLOW_SECRET_1}"
    assert secrets.expand(kept) == "https://h/x?t=v1.hunter2secret"


def test_a_missing_variable_is_named():
    with pytest.raises(ValueError, match="uses ABSENT, which is not set in the environment"):
        secrets.expand("${ABSENT}/x")


def test_a_secret_that_did_not_reach_a_remote_step_says_how_it_can():
    with pytest.raises(ValueError, match=r"compute\.secrets"):
        secrets.expand("https://host/x?sig=${EVOFLOW_SECRET_1}")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "https://a:b@h/x?s=longvalue: no such file",
            "https://REDACTED:REDACTED@h/x?s=REDACTED: no such file",
        ),
        ("https://a:p@ss@h/x@1.bam is gone", "https://REDACTED:REDACTED@h/x@1.bam is gone"),
        ("'https://h/x?s=1', 'y'", "'https://h/x?s=REDACTED', 'y'"),
        ("https://h/x?s=1&t=%2F2%3D#f", "https://h/x?s=REDACTED&t=REDACTED#f"),
        ("give https://h/x (or https://u@h/y)", "give https://h/x (or https://REDACTED@h/y)"),
    ],
)
def test_messages_show_no_user_and_no_query_value(said, shown):
    assert secrets.redact(said) == shown


def test_what_was_expanded_is_shown_by_its_name_wherever_it_stands():
    secrets.expand("${DATA}/x.bam ${TOKEN}")
    error = InputError("/lab/data/x.bam: denied for hunter2secret; /lab/database stays")
    assert str(error) == "${DATA}/x.bam: denied for ${TOKEN}; /lab/database stays"


def test_a_known_secret_is_hidden_outside_its_url_too_and_percent_encoded():
    secrets.conceal("https://u:s3cr/et@h/x?q=top/secret")
    assert secrets.redact("HTTP error about top%2Fsecret and top/secret") == (
        "HTTP error about REDACTED and REDACTED"
    )


def test_variables_of_remote_tasks_that_are_secrets_are_not_stored():
    document = parse_yaml("environment: {HF_TOKEN: hf_abc, HF_HOME: /hf, LAB_PASSWORD: '${TOKEN}'}")
    assert document["environment"] == {
        "HF_TOKEN": "${EVOFLOW_SECRET_1}",
        "HF_HOME": "/hf",
        "LAB_PASSWORD": "${TOKEN}",
    }
    assert secrets.expand("${EVOFLOW_SECRET_1}") == "hf_abc"
    assert secrets.redact("refused: hf_abc") == "refused: REDACTED"


def test_yaml_is_cleaned_before_anybody_stores_it():
    document = parse_yaml("people: [{reads: 'https://h/x?sig=abcdef'}]\nregions: [chr1]\n")
    assert document == {
        "people": [{"reads": "https://h/x?sig=${EVOFLOW_SECRET_1}"}],
        "regions": ["chr1"],
    }
