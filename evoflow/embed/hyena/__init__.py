"""What the StripedHyena architectures share: norms, kernels, convolutions, tokens."""
