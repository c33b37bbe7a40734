# SPDX-License-Identifier: GPL-3.0-or-later
"""The glTF container, read with the standard library: what Blender's importer and exporter do not tell.

A .glb is a 12-byte header and two chunks, JSON and binary ("glTF 2.0 Specification", Khronos 2021, section 4.4). glTF
stores times of keys, not a frame rate; frame_times.py recovers it from them.
"""

import base64
import json
import struct
from pathlib import Path
from urllib.parse import unquote

import numpy as np

_JSON, _BINARY = 0x4E4F534A, 0x004E4942
_COMPONENTS = {5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, 5126: 4}
_NUMBERS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
# An accessor without bytes of its own means zeros (meshes whose points are compressed, sparse shapes): as many as the
# points of a very fine mesh.
_MOST_ZEROS = 50_000_000


def read_glb(path: str | Path) -> tuple[dict, bytes]:
    """The JSON and the binary chunk of a .glb.

    Raises:
        ValueError: it is no .glb, or shorter than it says.
    """
    data = Path(path).read_bytes()
    if len(data) < 20 or data[:4] != b"glTF":
        raise ValueError("this is not a binary glTF file")
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise ValueError(f"this is glTF {version}; only glTF 2 can be read")
    if length > len(data):
        raise ValueError(f"the file is cut off: it says {length} bytes and holds {len(data)}")
    chunks, at = {}, 12
    while at + 8 <= length:
        size, kind = struct.unpack_from("<II", data, at)
        if at + 8 + size > length:
            raise ValueError("the file is cut off within a chunk")
        chunks.setdefault(kind, data[at + 8 : at + 8 + size])
        at += 8 + size
    try:
        document = json.loads(chunks[_JSON])
    except (KeyError, ValueError):
        raise ValueError("its JSON chunk cannot be read") from None
    if not isinstance(document, dict):
        raise ValueError("its JSON chunk is no object")
    return document, chunks.get(_BINARY, b"")


def read_gltf(path: str | Path) -> dict:
    """The JSON of a .gltf.

    Raises:
        ValueError: it is none.
    """
    try:
        document = json.loads(Path(path).read_bytes())
    except (ValueError, UnicodeDecodeError):
        raise ValueError("this is no JSON, so no glTF file") from None
    if not isinstance(document, dict) or "asset" not in document:
        raise ValueError("this JSON is no glTF document")
    return document


def first_buffer(path: str | Path, document: dict) -> bytes:
    """The first buffer of a .gltf: inside it as base64, or in a file beside it.

    Raises:
        ValueError: it cannot be found there.
    """
    uri = document["buffers"][0].get("uri", "")
    if uri.startswith("data:"):
        return base64.b64decode(uri.partition(",")[2])
    beside = Path(path).parent / unquote(uri)
    if not uri or beside.resolve().parent != Path(path).resolve().parent or not beside.is_file():
        raise ValueError(f"its buffer '{uri}' is not beside it")
    return beside.read_bytes()


def write_glb(path: str | Path, document: dict, binary: bytes) -> None:
    """Write a .glb of a JSON document and its binary chunk."""
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    chunks = struct.pack("<II", len(text), _JSON) + text
    if binary:
        chunks += struct.pack("<II", len(binary), _BINARY) + binary
    Path(path).write_bytes(b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks)


def check_glb(path: str | Path) -> dict:
    """Read a .glb and prove that all its buffer views and accessors lie inside it; gives its JSON.

    Raises:
        ValueError: it is damaged.
    """
    document, binary = read_glb(path)
    try:
        _check_document(document, len(binary))
    except (KeyError, IndexError, TypeError, AttributeError):
        raise ValueError("its JSON is not what glTF describes") from None
    return document


def _check_document(document, binary):
    buffers = document.get("buffers", [])
    if buffers and "uri" not in buffers[0] and buffers[0]["byteLength"] > binary:
        raise ValueError("its binary chunk is shorter than its buffer")
    views = document.get("bufferViews", [])
    for view in views:
        if view.get("byteOffset", 0) + view["byteLength"] > buffers[view["buffer"]]["byteLength"]:
            raise ValueError("a buffer view reaches past its buffer")
    for accessor in document.get("accessors", []):
        count = accessor["count"]
        if "bufferView" in accessor:
            if accessor["bufferView"] >= len(views):
                raise ValueError("an accessor has no buffer view")
            view = views[accessor["bufferView"]]
            size = _COMPONENTS[accessor["componentType"]] * _NUMBERS[accessor["type"]]
            last = accessor.get("byteOffset", 0) + (count - 1) * view.get("byteStride", size) + size
            if last > view["byteLength"]:
                raise ValueError("an accessor reaches past its buffer view")
        elif count > _MOST_ZEROS:
            raise ValueError(f"an accessor claims {count:,} zeros")


def key_times(document: dict, binary: bytes, animation: int) -> np.ndarray:
    """All different times of keys, seconds, of one animation; sorted.

    Raises:
        ValueError: an accessor of times lies outside the file.
    """
    samplers = document["animations"][animation]["samplers"]
    times = [np.zeros(0)]
    for index in {sampler["input"] for sampler in samplers}:
        accessor = document["accessors"][index]
        view = document["bufferViews"][accessor["bufferView"]]
        start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        if start + 4 * accessor["count"] > len(binary):
            raise ValueError("the times of an animation lie outside the file")
        times.append(np.frombuffer(binary, "<f4", accessor["count"], start).astype(np.float64))
    return np.unique(np.concatenate(times))
