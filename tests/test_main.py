from click.testing import CliRunner

from evoflow.__main__ import main


def test_an_input_error_is_a_message_and_a_non_zero_exit(tmp_path):
    result = CliRunner().invoke(
        main, ["extract", str(tmp_path / "absent.yaml"), "--output", str(tmp_path / "out.jsonl")]
    )
    assert result.exit_code == 1
    assert "absent.yaml" in result.output
    assert "Traceback" not in result.output
