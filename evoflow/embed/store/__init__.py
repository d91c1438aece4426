"""Where embeddings are kept: raw in the run's datastore and, if asked, in a cache across runs."""
