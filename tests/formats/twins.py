"""Functions in plain NumPy and their twins compiled by numba, which must give the same."""

from importlib.util import find_spec


def implementations(plain, name):
    """The plain function, and where numba is installed its compiled twin."""
    if find_spec("numba") is None:
        return [plain]
    from graphics_ml.formats import compiled

    return [plain, getattr(compiled, name)]
