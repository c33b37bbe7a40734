# SPDX-License-Identifier: GPL-3.0-or-later
"""The binary FBX container, walked with the standard library: is it whole, and does it ask for no more memory than its
bytes can fill?

After a head of 27 bytes come nested nodes: where the node ends, how many properties it has and in how many bytes, its
name, the properties, nodes within it and an empty one ("FBX binary file format specification", Blender developers,
2013). Numbers are 64 bits long from version 7500 on. There is no public specification by Autodesk.
"""

import struct
from pathlib import Path

_HEAD = b"Kaydara FBX Binary  \x00\x1a\x00"
_FOOT = bytes.fromhex("f85a8c6adef5d97eece90ce3758f290b")
_SIZES = {"Y": 2, "C": 1, "B": 1, "I": 4, "F": 4, "D": 8, "L": 8}
_ITEMS = {"f": 4, "d": 8, "l": 8, "i": 4, "b": 1, "c": 1}
# A byte of DEFLATE stands for at most 1,032 bytes (RFC 1951).
_MOST_DEFLATED = 1032
_DEEPEST = 64


def check_fbx(path: str | Path) -> None:
    """Prove that no node, string or array of a binary FBX reaches past its end or claims more than its bytes can hold.
    A text FBX only has its beginning looked at.

    Raises:
        ValueError: it is damaged, cut off, or no FBX.
    """
    data = Path(path).read_bytes()
    if not data.startswith(_HEAD):
        if b"FBX" not in data[:1000]:
            raise ValueError("this is not an FBX file, whatever its name says")
        return
    if len(data) < 27:
        raise ValueError("it is cut off")
    _walk(data, *_node_layout(data), 27, len(data), 0)


def ensure_whole(path: str | Path) -> None:
    """Prove that a written file has its head, its foot and its objects.

    Raises:
        ValueError: it has not.
    """
    data = Path(path).read_bytes()
    if not data.startswith(_HEAD) or not data.endswith(_FOOT):
        raise ValueError("its head or foot is missing")
    names = _walk(data, *_node_layout(data), 27, len(data), 0)
    if b"Objects" not in names or b"Connections" not in names:
        raise ValueError("it has no objects")


def _node_layout(data):
    (version,) = struct.unpack_from("<I", data, 23)
    layout = struct.Struct("<QQQB" if version >= 7500 else "<IIIB")
    return layout, layout.size


def _walk(data, layout, head, at, end, depth):
    """Names of the nodes from `at` to the empty one that ends them, all below them checked."""
    names = []
    if depth > _DEEPEST:
        raise ValueError("its nodes are nested too deep")
    while at + head <= end:
        stop, properties, length, letters = layout.unpack_from(data, at)
        if stop == 0:
            break
        first = at + head + letters
        if not first + length <= stop <= end:
            raise ValueError("a node reaches past its end; it is damaged or cut off")
        names.append(data[at + head : first])
        _check_properties(data, first, first + length, properties)
        if first + length < stop:
            _walk(data, layout, head, first + length, stop, depth + 1)
        at = stop
    else:
        if depth == 0:
            raise ValueError("it is cut off")
    return names


def _check_properties(data, at, end, count):
    for _ in range(count):
        if at >= end:
            raise ValueError("a node has fewer properties than it says")
        kind = chr(data[at])
        at += 1
        if kind in _SIZES:
            at += _SIZES[kind]
        elif kind in ("S", "R") and at + 4 <= end:
            at += 4 + struct.unpack_from("<I", data, at)[0]
        elif kind in _ITEMS and at + 12 <= end:
            items, deflated, length = struct.unpack_from("<III", data, at)
            if items * _ITEMS[kind] > (length * _MOST_DEFLATED if deflated else length):
                raise ValueError(f"an array claims {items:,} numbers in {length:,} bytes")
            at += 12 + length
        else:
            raise ValueError("a property is of no known kind")
    if at > end:
        raise ValueError("a property reaches past its node")
