"""Learn how severe a DNA variant is from the reads that carry it."""

from evoflow.devices.threads import set_threads

__version__ = "0.1.0"

set_threads()  # before anything of ours imports torch
