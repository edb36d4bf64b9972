"""Recipes over collections: shards of pictures in, shards of edited pictures, masks and measurements out."""
