import runpy

from tests.conftest import ROOT

markdown = runpy.run_path(str(ROOT / "docs" / "settings_table.py"))["markdown"]


def test_nested_settings_are_listed_with_type_and_default():
    table = markdown().splitlines()
    assert any(row.startswith("| `data.read_length` | whole number | `150` |") for row in table)
    assert any(row.startswith("| `data.individuals[].sample` | text | required |") for row in table)
    assert any(row.startswith("| `compute.gpus.NAME.queue` | text |") for row in table)


def test_every_setting_says_what_it_means():
    assert not [row for row in markdown().splitlines() if row.endswith("|  |")]


def test_the_page_has_the_table_as_it_is_now():
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == markdown() + "\n", "python docs/settings_table.py > docs/settings.md"
