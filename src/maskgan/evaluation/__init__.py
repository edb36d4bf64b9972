"""Measuring systems on pairs of faces and masks."""
