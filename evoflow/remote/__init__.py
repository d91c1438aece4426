"""Files that are not here: clients, the mirror of byte ranges, and the formats' indexes."""
