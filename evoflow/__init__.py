"""Learn how severe a DNA variant is from the reads that carry it."""

__version__ = "0.1.0"
