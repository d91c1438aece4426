"""Sequences become embeddings."""
