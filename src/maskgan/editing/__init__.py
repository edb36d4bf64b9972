"""Editing a face: sessions, edits of masks, and putting the result back into the photograph."""
