# SPDX-License-Identifier: GPL-3.0-or-later
"""What reaches the terminal while Blender works, seen from outside the process."""

import subprocess
import sys

import bpy
import pytest

from graphics_ml.blender.scene import quiet

LOUD = """
import ctypes, logging, os, sys, threading
from graphics_ml.blender.scene import quiet
libc = ctypes.CDLL("ucrtbase" if os.name == "nt" else None)
for _ in range(2):
    with quiet():
        print("python out")
        print("python err", file=sys.stderr)
        logging.error("log")
        libc.puts(b"c out")
        os.write(2, b"c err\\n")
        other = threading.Thread(target=lambda: print("progress", file=sys.stderr))
        other.start()
        other.join()
    print("result")
    print("note", file=sys.stderr)
    logging.error("after")
"""


def test_only_other_threads_are_heard_while_it_is_quiet():
    done = subprocess.run([sys.executable, "-c", LOUD], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["result"] * 2
    assert done.stderr.splitlines() == ["progress", "note", "ERROR:root:after"] * 2


def test_an_error_within_it_comes_through(capfd):
    with pytest.raises(ZeroDivisionError), quiet():
        _ = 1 / 0
    print("heard", file=sys.stderr)
    assert capfd.readouterr().err == "heard\n"


class _Interrupted(bpy.types.Operator):
    bl_idname, bl_label = "wm.graphics_ml_interrupted", "Interrupted"

    def execute(self, context):
        raise KeyboardInterrupt


def test_an_interrupt_in_an_operator_is_an_interrupt_and_no_failure_of_it():
    bpy.utils.register_class(_Interrupted)
    try:
        with pytest.raises(KeyboardInterrupt), quiet():
            bpy.ops.wm.graphics_ml_interrupted()
    finally:
        bpy.utils.unregister_class(_Interrupted)
