"""Weights on disk: the package's own format and the import of the reference's files.

Nothing here runs code from a file: our format is safetensors, and foreign pickles pass an unpickler that only makes
tensors.
"""
