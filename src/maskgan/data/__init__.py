"""Faces with masks: where they lie, how they are read, split, drawn and varied."""
