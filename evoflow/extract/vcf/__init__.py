"""A contig of a VCF as a table of normalised alleles; ClinVar's and an individual's, joined."""
