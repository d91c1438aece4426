"""Names in Markdown: shown as they are, whatever they hold."""

from evoflow.predict.plain import plain


def test_punctuation_is_escaped_and_words_are_not():
    assert plain("rs123 Ä 0.5") == r"rs123 Ä 0\.5"
    assert plain("a|b`c`") == r"a\|b\`c\`"


def test_no_line_can_begin_within_a_name():
    assert plain("one\n# two\ttabs\x00") == r"one \# two tabs "


def test_secrets_of_urls_do_not_show():
    assert "hunter2" not in plain("https://ada:hunter2@host/a.bam")
