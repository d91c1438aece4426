"""Files on this machine: written whole or not at all, kept between runs, read by htslib."""
