"""The examples of docs/models.md run, with small models in place of the published ones."""

import re

import pytest
import torch
import yaml

from evoflow.settings import ModelSettings
from evoflow.settings.layer_names import parse_layer
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
DATA = ROOT / "tests" / "data"


@pytest.mark.filterwarnings("ignore::FutureWarning")  # peft asks transformers by an old name
def test_the_example_of_peft_learns():
    (example,) = re.findall(r"```python\n(import torch\nfrom peft.*?)```", PAGE, flags=re.DOTALL)
    example = example.replace('"evo-1-8k-base"', repr(str(DATA / "evo-tiny-8k-reference")))
    example = (
        example.replace("bfloat16", "float32").replace("cuda:0", "cpu").replace("1e-4", "1e-2")
    )
    torch.manual_seed(0)
    ids = torch.tensor([list(b"ACGTACGT"), list(b"GGGTTTCC")])
    losses = []

    class Batches:
        def __iter__(self):
            for _ in range(30):
                yield ids, torch.tensor([0.0, 1.0])
                losses.append(names["loss"].item())

    names = {"batches": Batches()}
    exec(compile(example, "docs/models.md", "exec"), names)
    adapters = [w for n, w in names["model"].named_parameters() if "lora_B" in n]
    assert adapters
    assert all(float(weight.detach().abs().max()) > 0 for weight in adapters)
    assert losses[-1] < 0.1 * losses[0]


def test_the_layers_of_the_page_and_of_the_settings_are_known():
    section = PAGE.split("## Layers")[1].split("## ")[0]
    rows = re.findall(r"^\| (`.*?`) \|", section, flags=re.MULTILINE)
    names = [name for row in rows for name in re.findall(r"`(.*?)`", row)]
    assert len(names) == 9
    for name in names:
        parse_layer(int(name) if name.isdigit() else name)
    for path in (ROOT / "config" / "model").glob("*.yaml"):
        settings = ModelSettings.model_validate(yaml.safe_load(path.read_text()))
        parse_layer(settings.embedding.layer)
