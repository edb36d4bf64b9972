"""Measures: pure update and compute, the same for any batch size."""
