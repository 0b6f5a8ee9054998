"""The SQL of each feature: text by hand, one file a feature, in the subset that both databases share."""
