"""Training: one loop, and a file for each stage."""
