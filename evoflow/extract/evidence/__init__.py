"""What an aligned read says of an allele, and which reads are kept."""
