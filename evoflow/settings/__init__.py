"""The typed settings of the three configs: data, model and compute.

Each config is a YAML file. `load_settings` turns the three raw mappings into one `Settings` and
reports every problem of all three together.
"""

from evoflow.settings.columns import AlleleColumn, UserColumn
from evoflow.settings.compute import ComputeSettings, GpuMachine, Machine
from evoflow.settings.data import HAPLOTYPE, SHORTEST, DataSettings, DemoSettings, Individual
from evoflow.settings.loading import (
    Settings,
    load,
    load_settings,
    parse_yaml,
    read_data_settings,
    read_model_settings,
)
from evoflow.settings.locations import is_remote, resolve, split_query, split_s3
from evoflow.settings.model import (
    BalanceSettings,
    EmbeddingSettings,
    HeadSettings,
    ModelSettings,
    SplitSettings,
    Window,
)
from evoflow.settings.target import PathogenicitySettings, TargetSettings

__all__ = [
    "HAPLOTYPE",
    "SHORTEST",
    "AlleleColumn",
    "BalanceSettings",
    "ComputeSettings",
    "DataSettings",
    "DemoSettings",
    "EmbeddingSettings",
    "GpuMachine",
    "HeadSettings",
    "Individual",
    "Machine",
    "ModelSettings",
    "PathogenicitySettings",
    "Settings",
    "SplitSettings",
    "TargetSettings",
    "UserColumn",
    "Window",
    "is_remote",
    "load",
    "load_settings",
    "parse_yaml",
    "read_data_settings",
    "read_model_settings",
    "resolve",
    "split_query",
    "split_s3",
]
