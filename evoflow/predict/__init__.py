"""Scoring variants with a trained head."""
