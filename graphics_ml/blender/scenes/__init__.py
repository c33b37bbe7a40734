# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes that are drawn from distributions: who is seen, how they move, where, in what light, by which camera.

description.py reads a scene file; one file per axis says what can be set there and draws it; build.py makes a drawn
frame in Blender and gives it as plain arrays. Reading a scene needs no bpy.
"""
