"""From an individual's reads and variants to examples."""
