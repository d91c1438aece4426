"""Weights on their way into a model: hub, shared store, files, device."""
