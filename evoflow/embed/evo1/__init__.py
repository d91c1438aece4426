"""Evo-1 in plain PyTorch."""
