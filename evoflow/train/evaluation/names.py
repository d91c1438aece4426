"""What models are called where people read of them."""

_SPOKEN = {"one_hot_cnn": "one-hot CNN"}


def spoken(model: str) -> str:
    """Write the name of a model, or of a column of the user's, as one says it.

    >>> spoken("boosted_trees"), spoken("one_hot_cnn")
    ('boosted trees', 'one-hot CNN')
    """
    return _SPOKEN.get(model, model.replace("_", " "))
