"""What a head must beat: models that need no language model, or only its likelihoods."""
