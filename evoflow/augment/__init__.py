"""From examples to a split, balanced training rows, and unique sequences in shards."""
