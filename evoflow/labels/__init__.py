"""What is known of alleles beside their consequence: ClinVar's classification, users' numbers."""
