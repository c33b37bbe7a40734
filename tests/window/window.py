# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Blender window on a display of its own, worked with the mouse and keys: `with Window(zip, folder) as window`.

Texts are found on the screen by drawing them as Blender does, so a click needs the label that an animator reads.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
SIZE = (1600, 1000)
ADDON = "graphics_ml_addon"  # not the core's name: this Blender has no extensions, which have names of their own
PROGRAMS = {"blender": "blender", "Xvfb": "xvfb", "xdotool": "xdotool", "openbox": "openbox", "import": "imagemagick"}


def lacking() -> str | None:
    """The line that installs what is missing; None: nothing is."""
    packages = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if subprocess.run(["/usr/bin/python3", "-c", "import numpy"], capture_output=True).returncode:
        packages.append("python3-numpy")  # Debian's Blender runs in Debian's Python
    return f"apt-get install {' '.join(packages)}" if packages else None


# Blender's window has no title and fills the screen: its pixels are the screen's.
_WITHOUT_FRAMES = """<?xml version="1.0"?>
<openbox_config xmlns="http://openbox.org/3.4/rc">
<applications><application class="*"><decor>no</decor></application></applications>
</openbox_config>
"""


class Window:
    def __init__(self, extension: Path, pictures: Path, display=None):
        self.folder = Path(tempfile.mkdtemp(prefix="graphics_ml_window_"))
        self.home, self.pictures = self.folder / "home", pictures
        shutil.rmtree(pictures, ignore_errors=True)  # those of another run
        pictures.mkdir(parents=True)
        self.home.mkdir()
        self.started, self.letters = [], {}
        self.display = display or _free_display()
        with zipfile.ZipFile(extension) as zipped:
            zipped.extractall(self.folder / "scripts" / "addons" / ADDON)
        for wheel in (self.folder / "scripts" / "addons" / ADDON / "wheels").glob("*.whl"):
            with zipfile.ZipFile(wheel) as zipped:
                zipped.extractall(self.folder / "core")
        self.environ = os.environ | {
            "DISPLAY": self.display,
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "HOME": str(self.home),
            "BLENDER_USER_SCRIPTS": str(self.folder / "scripts"),
            "BLENDER_USER_CONFIG": str(self.folder / "config"),
            "WINDOW_TEST_SOCKET": str(self.folder / "socket"),
            "WINDOW_TEST_CORE": str(self.folder / "core"),
            "WINDOW_TEST_ADDON": ADDON,
        }
        self.environ.pop("PYTHONPATH", None)

    def __enter__(self):
        try:
            width, height = SIZE
            self._start("Xvfb", self.display, "-screen", "0", f"{width}x{height}x24", "+extension", "GLX")
            _until(lambda: self._run("xdotool", "getdisplaygeometry", check=False).returncode == 0, 20, "Xvfb starts")
            without_frames = self.folder / "openbox.xml"
            without_frames.write_text(_WITHOUT_FRAMES)
            self._start("openbox", "--config-file", without_frames)
            time.sleep(0.5)
            self.open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def open(self, *arguments):
        """Start Blender, with its 3D View's sidebar at the add-on's tab."""
        (self.folder / "socket").unlink(missing_ok=True)
        size = map(str, (0, 0, *SIZE))
        inside = ("--python-exit-code", "1", "--python", HERE / "inside.py")
        self.blender = self._start(
            "blender", "--factory-startup", "--window-geometry", *size, *arguments, *inside, log="blender.log"
        )
        _until((self.folder / "socket").exists, 60, "Blender starts")
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.connect(str(self.folder / "socket"))
        self.answers = self.connection.makefile("rb")
        self.ask("1")
        time.sleep(2)  # its window comes a little later

    def quit(self):
        """Close Blender's window as a user does, and say that nothing is to be saved."""
        self.ask("setattr(bpy.context.preferences.view, 'use_save_prompt', False)")
        self.key("ctrl+q")
        self.blender.wait(20)

    def close(self):
        for process in reversed(self.started):
            process.terminate()
        for process in self.started:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    # What Blender knows

    def ask(self, code: str, wait: float = 120):
        """The value of a Python expression, or None after statements, inside Blender."""
        self.connection.settimeout(wait)
        self.connection.sendall(json.dumps(code).encode() + b"\n")
        answer = json.loads(self.answers.readline() or b'{"error": "Blender has ended"}')
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["value"]

    def going_on(self):
        return self.ask("going_on()")

    def until_idle(self, wait=120):
        """Wait until nothing goes on, and what came of it is drawn."""
        time.sleep(0.5)
        _until(lambda: self.going_on() is None, wait, "it ends")
        time.sleep(1.5)

    def measured(self, what, figures):
        """Keep figures beside the pictures, and print them."""
        line = f"{what}: {json.dumps(figures)}"
        with (self.pictures / "measured.txt").open("a") as file:
            file.write(line + "\n")
        print(line)

    def dismiss(self):
        """Close the message of what has ended, by its cross."""

        def cross():
            x, _, width, _ = self.sidebar()
            return x + width - 48, self.find("Progress", self.sidebar())[1] + 31

        said = f"sys.modules['{ADDON}.running'].last() is None"
        self.click_until(cross, lambda: self.ask(said), "closing the message")

    def until_done(self, watch, wait=300):
        """Wait until what goes on has ended; `watch` is called again and again."""
        end = time.monotonic() + wait
        while (run := self.going_on()) is not None:
            if time.monotonic() > end:
                raise AssertionError(f"it is not done after {wait} s: {run}")
            watch()

    def until(self, true, what, wait=20):
        """Wait until something is true."""
        end = time.monotonic() + wait
        while not true():
            if time.monotonic() > end:
                self.shot("not_found")
                raise AssertionError(f"{what}: not within {wait} s")
            time.sleep(0.1)

    # Mouse, keys and eyes

    def move(self, x, y):
        self._run("xdotool", "mousemove", str(round(x)), str(round(y)))
        time.sleep(0.05)

    def click(self, x, y, settle=0.9):
        # Blender leaves one button at a move of the mouse, and comes to another at the next.
        for step in (2, 1, 0):
            self.move(x + step, y)
            time.sleep(0.1)
        self._run("xdotool", "click", "1")
        time.sleep(settle)  # panels open and close slowly

    def click_until(self, place, true, what, then=lambda: None, settle=0.9):
        """Click at `place()`, and do `then` what follows from it, until something is true.

        Blender passes over a click while it opens or draws something else.
        """
        for _ in range(3):
            self.move(*self._middle())  # a button that is lit up stays as grey as it was
            self.click(*place(), settle=settle)
            then()
            end = time.monotonic() + 5
            while time.monotonic() < end:
                if true():
                    return
                time.sleep(0.05)
        self.shot("not_found")
        raise AssertionError(f"{what}: nothing comes of it")

    def drag(self, start, end, button=1, steps=12):
        self.move(*start)
        time.sleep(0.2)
        self._run("xdotool", "mousedown", str(button))
        for step in range(1, steps + 1):
            self.move(*(a + (b - a) * step / steps for a, b in zip(start, end, strict=True)))
        self._run("xdotool", "mouseup", str(button))
        time.sleep(0.4)

    def key(self, *keys):
        self._run("xdotool", "key", *keys)
        time.sleep(0.3)

    def search(self, place, text, true):
        """Open the list of a field at `place()`, and choose in it by typing, until something is true."""

        def choose():
            time.sleep(1)
            self._run("xdotool", "type", "--delay", "40", text)
            time.sleep(1)
            self.key("Return")

        self.click_until(place, true, f"choosing '{text}'", then=choose)

    def write(self, place, text, true):
        """Type into the field at `place()`, in place of what is there, until something is true."""
        self.click_until(place, true, f"writing '{text}'", then=lambda: self._write(text))

    def _write(self, text):
        self._run("xdotool", "key", "ctrl+a")
        self._run("xdotool", "type", "--delay", "15", text)
        time.sleep(0.2)
        self.key("Return")
        self.move(*self._middle())  # the first click after a text would only end it
        time.sleep(0.5)

    def shot(self, name=None, box=None):
        """A picture of the screen, of `box` (x, y, width, height) only; saved where it has a name."""
        crop = () if box is None else ("-crop", "{2}x{3}+{0}+{1}".format(*map(int, box)), "+repage")
        out = self._run("import", "-window", "root", *crop, "-depth", "8", "ppm:-").stdout
        head = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", out)
        width, height = int(head[1]), int(head[2])
        if name is not None:
            place = self.pictures / f"{name}.png"
            subprocess.run(["convert", "ppm:-", str(place)], input=out, check=True)
        return np.frombuffer(out, np.uint8, offset=head.end()).reshape(height, width, 3)

    def show_sidebar(self, width=400):
        """Open the sidebar at the add-on's tab, as wide as asked for."""
        x, y, *_ = self.view()
        if self.sidebar()[2] <= 1:
            self.move(x + 300, y + 300)
            self.key("n")
        self.click(*self.find("Graphics ML", self.sidebar(), turned=True))
        for inside in (6, 7, 6, 7, 5, 8):  # the edge can be held at few of its pixels, and only beside a panel
            x, y, now, _ = self.sidebar()
            if now < width:
                self.drag((x + inside, y + 20), (x + inside + now - width, y + 20))

    def _middle(self):
        x, y, width, height = self.view()
        return x + width / 4, y + height / 2

    def sidebar(self):
        return self.ask("regions()")["UI"]

    def view(self):
        return self.ask("regions()")["WINDOW"]

    def find(self, text, box=None, turned=False, index=0, wait=20.0, beside_icon=False):
        """The middle of a text on the screen, once it stands still; `turned`: it is written upwards.

        Fails where it is not seen.
        """
        end, before = time.monotonic() + wait, None
        while True:
            found = self._places(text, box, turned, beside_icon)
            place = found[index] if -len(found) <= index < len(found) else None
            if place is not None and place == before:
                return place
            if time.monotonic() > end:
                self.shot("not_found")
                raise AssertionError(f"'{text}' is not seen")
            before = place
            time.sleep(0.1)

    def beside(self, text, pixels, index=0):
        """The place so many pixels right of a text of the sidebar."""
        x, y = self.find(text, self.sidebar(), index=index)
        return x + self._drawn(text).shape[1] / 2 + pixels, y

    def sees(self, text, box=None, beside_icon=False):
        return bool(self._places(text, box, beside_icon=beside_icon))

    def still(self, box, other_than=None):
        """A picture of `box` as soon as it changes no more, and differs from another one."""
        before = self.shot(box=box)
        for _ in range(30):
            time.sleep(1)
            picture = self.shot(box=box)
            if (picture == before).all() and (other_than is None or (picture != other_than).mean() > 0.01):
                return picture
            before = picture
        raise AssertionError("what is seen does not change, or does not come to rest")

    def unfold(self, title, shows, index=0):
        """Open a panel by its title until a text of it is seen."""
        self._click_title(title, index, lambda: self.sees(shows, self.sidebar()))

    def fold(self, title, shows, index=0):
        """Close a panel by its title until a text of it is seen no longer."""
        self._click_title(title, index, lambda: not self.sees(shows, self.sidebar()))

    def _click_title(self, title, index, true):
        self.click_until(
            lambda: self.find(title, self.sidebar(), index=index), true, f"opening or closing the panel '{title}'"
        )

    def begin(self, text, index=0):
        """Press a button that does something, until that goes on or has ended."""
        state = f"[id(one()) for one in (sys.modules['{ADDON}.running'].going_on, sys.modules['{ADDON}.running'].last)]"
        before = self.ask(state)
        self.click_until(
            lambda: self.find(text, self.sidebar(), index=index),
            lambda: self.ask(state) != before,
            f"pressing '{text}'",
            settle=0,
        )

    def run(self, text, index=0):
        """Press a button that does something, and wait until that has ended."""
        self.begin(text, index)
        self.until_idle()

    def _places(self, text, box=None, turned=False, beside_icon=False):
        """Where a text stands, top first."""
        # Nothing stands close to it, so that it is no part of another text.
        pattern = np.pad(self._drawn(text), ((0, 0), (0 if beside_icon else 7, 10)))
        if turned:
            pattern = np.rot90(pattern)
        picture = self.shot(box=box).astype(float).mean(axis=2)
        score = _correlation(picture, pattern)
        found, left, top = [], *((0, 0) if box is None else box[:2])
        height, width = pattern.shape
        while score.max() > 0.95:
            y, x = np.unravel_index(score.argmax(), score.shape)
            found.append((left + x + width / 2, top + y + height / 2))
            score[max(0, y - height) : y + height, max(0, x - width) : x + width] = -1
        return sorted(found, key=lambda place: place[1])

    def _drawn(self, text):
        """A text as Blender draws it, without an edge: how much each pixel is covered."""
        if text not in self.letters:
            covered = np.array(self.ask(f"letters({text!r})"), float) / 255
            rows, columns = np.nonzero(covered > 0.1)
            self.letters[text] = covered[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        return self.letters[text]

    # Processes

    def _start(self, *command, log=None):
        out = subprocess.DEVNULL if log is None else (self.pictures / log).open("w")
        process = subprocess.Popen([str(one) for one in command], env=self.environ, stdout=out, stderr=out)
        self.started.append(process)
        return process

    def _run(self, *command, check=True):
        return subprocess.run(command, env=self.environ, check=check, capture_output=True)


def _correlation(picture, pattern):
    """How alike the picture is to the pattern at each place, from -1 to 1; its sign is that of bright text on dark."""
    shape = [a + b - 1 for a, b in zip(picture.shape, pattern.shape, strict=True)]
    centred = pattern - pattern.mean()

    def windows(values):
        total = np.pad(values, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
        height, width = pattern.shape
        return total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]

    spectrum = np.fft.rfft2(picture, shape) * np.fft.rfft2(centred[::-1, ::-1], shape)
    product = np.fft.irfft2(spectrum, shape)
    height, width = pattern.shape
    product = product[height - 1 : picture.shape[0], width - 1 : picture.shape[1]]
    variance = windows(picture**2) - windows(picture) ** 2 / pattern.size
    return np.abs(product) / np.sqrt(np.maximum(variance, 1e2) * (centred**2).sum())


def _free_display():
    taken = {path.name[1:] for path in Path("/tmp/.X11-unix").glob("X*")}
    return next(f":{number}" for number in range(78, 200) if str(number) not in taken)


def _until(true, wait, what):
    end = time.monotonic() + wait
    while not true():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {wait} s")
        time.sleep(0.05)
