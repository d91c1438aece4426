"""From embeddings to a head that predicts impact scores, measured beside baselines."""
