"""What people look at: cards, charts and the summary of a run."""
