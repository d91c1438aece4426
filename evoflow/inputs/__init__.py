"""What is checked before any work: contigs, builds, headers, indexes, readability."""
