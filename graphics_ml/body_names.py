"""The bodies that can be named in place of a file; apart from their tables, so that help lists them without NumPy."""

BODIES = ("smpl", "smplh", "smplx", "humanml3d", "soma", "soma77")
