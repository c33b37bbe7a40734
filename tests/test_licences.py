"""Blender's licence is said in every file that it applies to, and in no other."""

from pathlib import Path

import pytest

import graphics_ml

ROOM = Path(graphics_ml.__file__).parent
GPL = "# SPDX-License-Identifier: GPL-3.0-or-later"


ADDON = ROOM.parent / "blender_addon"


@pytest.mark.parametrize(
    "path", sorted([*ROOM.rglob("*.py"), *ADDON.rglob("*.py")]), ids=lambda path: str(path.relative_to(ROOM.parent))
)
def test_a_file_says_the_gpl_where_it_belongs_to_the_blender_room_or_the_add_on(path):
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    assert (first == GPL) == (path.is_relative_to(ROOM / "blender") or path.is_relative_to(ADDON))


def test_each_of_the_two_folders_has_the_text_of_the_gpl():
    assert (ADDON / "LICENSE").read_bytes() == (ROOM / "blender" / "LICENSE").read_bytes()
