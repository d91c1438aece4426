import subprocess
import sys

import pytest
from click.testing import CliRunner

from evoflow.cli import main
from evoflow.cli.group import check_output
from evoflow.errors import InputError


def test_an_input_error_is_a_message_and_a_non_zero_exit(tmp_path):
    result = CliRunner().invoke(
        main, ["extract", str(tmp_path / "absent.yaml"), "--output", str(tmp_path / "out.jsonl")]
    )
    assert result.exit_code == 1
    assert "absent.yaml" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_explains_itself_with_an_example(command):
    result = CliRunner().invoke(main, [command, "--help"])
    assert result.exit_code == 0
    assert f"\n    evoflow {command} " in result.output
    for option in main.commands[command].params:
        assert option.param_type_name == "argument" or option.help, option.name


def test_help_needs_none_of_the_libraries_that_compute():
    heavy = {"torch", "pandas", "numpy", "metaflow", "pydantic"}
    program = (
        "import sys\nfrom evoflow.cli import main\n"
        "main(['embed', '--help'], standalone_mode=False)\n"
        f"print({heavy} & {{*sys.modules}})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "set()"


def test_what_is_there_is_not_replaced_without_force(tmp_path):
    path = tmp_path / "x.tsv"
    check_output(path, force=False, suffixes=(".tsv",))
    path.write_text("mine")
    with pytest.raises(InputError, match="already exists; name another file, or add --force"):
        check_output(path, force=False, suffixes=(".tsv",))
    check_output(path, force=True, suffixes=(".tsv",))


def test_a_folder_is_filled_only_if_it_is_empty(tmp_path):
    check_output(tmp_path, force=False)
    (tmp_path / "x").touch()
    with pytest.raises(InputError, match="is not empty"):
        check_output(tmp_path, force=False)
    check_output(tmp_path, force=True)
    with pytest.raises(InputError, match="x: is a file; name a folder"):
        check_output(tmp_path / "x", force=True)


@pytest.mark.parametrize(
    ("name", "problem"),
    [("x.bam", "must end in .tsv"), ("no/x.tsv", "does not exist; create it"), ("", "must end in")],
)
def test_an_output_that_cannot_be_is_refused(tmp_path, name, problem):
    with pytest.raises(InputError, match=problem):
        check_output(tmp_path / name, force=False, suffixes=(".tsv",))
