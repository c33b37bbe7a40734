# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs inside the Blender that is tested: it enables the add-on, watches the clock, and answers questions.

The test moves the mouse and presses keys from outside; through here it only reads what came of it, and sets a scene up.
"""

import json
import os
import select
import socket
import sys
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["WINDOW_TEST_CORE"])

import addon_utils  # noqa: E402
import blf  # noqa: E402
import bpy  # noqa: E402
import gpu  # noqa: E402
import numpy as np  # noqa: E402
from mathutils import Matrix  # noqa: E402

TICK = 0.02  # seconds
NAME = os.environ["WINDOW_TEST_ADDON"]
addon_utils.enable(NAME, default_set=True)
bpy.context.preferences.view.show_splash = False
bpy.context.preferences.view.render_display_type = "NONE"

known = {"bpy": bpy, "sys": sys}
longest, slowest, last_tick = [0.0], [0.0], [time.perf_counter()]
ends, texts = [], []  # when each thing ended that went on, and what was said of how far it is
_going = [None]
_server = socket.socket(socket.AF_UNIX)
_server.bind(os.environ["WINDOW_TEST_SOCKET"])
_server.listen(1)
_connection, _said = [None], [b""]


def going_on():
    running = sys.modules[f"{NAME}.running"]
    run = running.going_on()
    return None if run is None else {"title": run.title, "text": run.text, "factor": run.factor}


def gap():
    """The longest time between two ticks since this was asked last, in seconds."""
    found, longest[0] = longest[0], 0.0
    return found


def step():
    """The longest time that what goes on has held the window in one go since this was asked last, in seconds."""
    found, slowest[0] = slowest[0], 0.0
    return found


def letters(text):
    """A text as the interface draws it: how much each pixel is covered."""
    style = bpy.context.preferences.ui_styles[0].widget
    scale = bpy.context.preferences.system.dpi / 72
    blf.size(0, style.points * scale, 72)
    width, height = int(blf.dimensions(0, text)[0]) + 4, int(blf.dimensions(0, text + "|")[1]) + 10
    off = gpu.types.GPUOffScreen(width, height)
    with off.bind():
        framebuffer = gpu.state.active_framebuffer_get()
        framebuffer.clear(color=(0, 0, 0, 0))
        gpu.state.blend_set("ALPHA")
        with gpu.matrix.push_pop():
            gpu.matrix.load_matrix(Matrix.Identity(4))
            projection = np.eye(4)
            projection[0, 0], projection[1, 1], projection[0, 3], projection[1, 3] = 2 / width, 2 / height, -1, -1
            gpu.matrix.load_projection_matrix(Matrix(projection))
            blf.position(0, 2, 6, 0)
            blf.color(0, 1, 1, 1, 1)
            blf.draw(0, text)
        pixels = framebuffer.read_color(0, 0, width, height, 4, 0, "UBYTE")
    off.free()
    rows = np.array(pixels.to_list(), dtype=np.uint8).reshape(height, width, 4)[::-1, :, 3]
    return rows.tolist()


def regions():
    """Where the 3D View and its sidebar are, in pixels from the window's top left: x, y, width, height."""
    window = bpy.context.window_manager.windows[0]
    area = max((one for one in window.screen.areas if one.type == "VIEW_3D"), key=lambda one: one.width)
    found = {}
    for region in area.regions:
        if region.type in ("WINDOW", "UI"):
            found[region.type] = [
                region.x,
                window.height - region.y - region.height,
                region.width,
                region.height,
            ]
    return found


def _timed(modal):
    """What Blender calls of an operator that goes on, watched by the clock."""

    def timed(operator, context, event):
        began = time.perf_counter()
        try:
            return modal(operator, context, event)
        finally:
            slowest[0] = max(slowest[0], time.perf_counter() - began)

    return timed


def _tick():
    now = time.perf_counter()
    module = sys.modules.get(f"{NAME}.running")
    run = module.going_on() if module else None
    if run is _going[0]:  # what is drawn when it has ended is Blender's own
        longest[0] = max(longest[0], now - last_tick[0])
    elif _going[0] is not None:
        ends.append(time.time())
    _going[0] = run
    if run is not None and run.text not in texts[-1:]:
        texts.append(run.text)
    last_tick[0] = now
    _answer()
    return TICK


def _answer():
    if _connection[0] is None:
        if select.select([_server], [], [], 0)[0]:
            _connection[0] = _server.accept()[0]
        return
    while select.select([_connection[0]], [], [], 0)[0]:
        some = _connection[0].recv(65536)
        if not some:
            _connection[0] = None
            return
        _said[0] += some
    while b"\n" in _said[0]:
        line, _said[0] = _said[0].split(b"\n", 1)
        code = json.loads(line)
        try:
            try:
                value = eval(code, known)
            except SyntaxError:
                value = exec(code, known)
            answer = {"value": value}
            text = json.dumps(answer, default=str)
        except Exception:
            text = json.dumps({"error": traceback.format_exc()})
        _connection[0].sendall(text.encode() + b"\n")
        last_tick[0] = time.perf_counter()  # what the test asks for takes its own time


_running = sys.modules[f"{NAME}.running"].Running
_running.modal = _timed(_running.modal)
known.update(step=step, going_on=going_on, gap=gap, letters=letters, regions=regions, ends=ends, texts=texts, NAME=NAME)
bpy.app.timers.register(_tick, first_interval=0.5, persistent=True)
