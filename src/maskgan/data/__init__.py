"""Faces with masks: where they lie, how they are read, split, synthesised and augmented."""
