"""The networks of MaskGAN, one family a file.

Images are N x 3 x H x W float in [-1, 1]; masks enter one-hot, N x 19 x H x W float of 0 and 1.
"""
