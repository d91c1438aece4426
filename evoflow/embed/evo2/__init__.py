"""Evo 2 in plain PyTorch."""
