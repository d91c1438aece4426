"""What models and metrics are called where people read of them."""

_SPOKEN = {"one_hot_cnn": "one-hot CNN", "log_likelihood_ratio": "likelihood ratio"}


def spoken(model: str) -> str:
    """Write the name of a model, or of a column of the user's, as one says it.

    >>> spoken("boosted_trees"), spoken("one_hot_cnn")
    ('boosted trees', 'one-hot CNN')
    """
    return _SPOKEN.get(model, model.replace("_", " "))


METRICS = {
    "rmse": "RMSE",
    "mae": "MAE",
    "macro_mae": "macro MAE",
    "spearman": "Spearman",
    "pearson": "Pearson",
    "auroc_high": "AUROC of HIGH",
    "auprc_high": "AUPRC of HIGH",
    "auroc_pathogenic": "AUROC of pathogenic",
    "auprc_pathogenic": "AUPRC of pathogenic",
}
"""What metrics are called where there is little room."""
