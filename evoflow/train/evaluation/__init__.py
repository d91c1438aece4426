"""What the test rows say of every model: metrics, intervals, comparisons and the headline."""
