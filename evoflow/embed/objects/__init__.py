"""Immutable objects in a folder or under an S3 prefix, safe with many writers."""
