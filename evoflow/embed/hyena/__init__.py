"""What the StripedHyena architectures share: sizes, norms, kernels, convolutions, tokens."""
