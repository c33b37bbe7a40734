"""The archives of real clips, unpacked."""

import tarfile
from pathlib import Path


def unpack(archive: Path, folder: Path) -> list[Path]:
    """Unpack a .tar.xz of the test data into a folder; gives its .bvh files, sorted."""
    # Debian 12's Python 3.11.2 has no extraction filters yet.
    safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(archive) as members:
        members.extractall(folder, **safely)
    return sorted(folder.rglob("*.bvh"))
