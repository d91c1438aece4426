"""What a head learns of alleles: their impact, ClinVar's classification, or users' numbers."""
