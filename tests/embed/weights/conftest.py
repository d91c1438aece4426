"""A hub on the loopback that the library of Hugging Face takes for the real one."""

import random

import huggingface_hub
import pytest
from huggingface_hub import constants

from tests.embed.weights.loopback_hub import LoopbackHub, serve


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """The hub; its weights are half a megabyte."""
    weights = random.Random(0).randbytes(500_000)
    made = LoopbackHub({"config.json": b"{}", "model.safetensors": weights, "code.py": b"evil"})
    with serve(made) as url:
        # The library reads the environment when it is imported.
        monkeypatch.setattr(constants, "ENDPOINT", url)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(
            constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            url + "/{repo_id}/resolve/{revision}/{filename}",
        )
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", False)
        yield made
        huggingface_hub.close_session()
