"""Blender's licence is said in every file that it applies to, and in no other."""

from pathlib import Path

import pytest

import graphics_ml

ROOM = Path(graphics_ml.__file__).parent
GPL = "# SPDX-License-Identifier: GPL-3.0-or-later"


@pytest.mark.parametrize("path", sorted(ROOM.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOM)))
def test_a_file_says_the_gpl_where_it_belongs_to_the_blender_room(path):
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    assert (first == GPL) == path.is_relative_to(ROOM / "blender")
