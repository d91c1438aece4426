"""A small, sound world in a folder of its own."""

import pytest
import yaml

from tests.inputs.spoiled import small_world


@pytest.fixture
def folder(tmp_path):
    settings = small_world().write(tmp_path, read_length=50)
    raw = settings.model_dump(mode="json", exclude_defaults=True)
    (tmp_path / "data.yaml").write_text(yaml.safe_dump(raw))
    return tmp_path
