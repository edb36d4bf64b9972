"""Synthetic faces: rendered with exact label maps, for tests and for trying the program without a download."""
