"""Meshes and what can be told of them: which of them a camera sees in each pixel, how far away, and which way up."""
