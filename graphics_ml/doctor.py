"""Says what works on this machine, what is missing and how to get it.

Standard library only, and a script of its own: `make` runs `python3.11 graphics_ml/doctor.py --system` before anything
is installed, to get the system libraries that the packages need.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

# What mediapipe, bpy and open3d link against and their wheels do not bring, and the Debian packages that hold it.
SYSTEM_LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libgomp.so.1": "libgomp1",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libusb-1.0.so.0": "libusb-1.0-0",
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libXrender.so.1": "libxrender1",
    "libXi.so.6": "libxi6",
    "libXfixes.so.3": "libxfixes3",
    "libXt.so.6": "libxt6",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
    "libxkbcommon.so.0": "libxkbcommon0",
}

# What each extra brings, import name and distribution; the first two come without one.
EXTRAS = {
    "base": {"numpy": "numpy", "array_api_compat": "array-api-compat"},
    "terminal": {"tyro": "tyro", "rich": "rich"},
    "blender": {"bpy": "bpy"},
    "pose": {
        "mediapipe": "mediapipe",
        "av": "av",
        "scipy": "scipy",
        "numba": "numba",
        "threadpoolctl": "threadpoolctl",
    },
    "learn": {
        "torch": "torch",
        "lightning": "lightning",
        "torchmetrics": "torchmetrics",
        "safetensors": "safetensors",
        "pycocotools": "pycocotools",
        "webdataset": "webdataset",
        "OpenEXR": "OpenEXR",
    },
    "geometry": {"trimesh": "trimesh", "open3d": "open3d", "smplx": "smplx"},
    "cluster": {"distributed": "distributed"},
}


def report() -> int:
    """Print a line for each part; gives 0 when the main job (video onto a rig) can run, else 1."""
    ready = True
    print(f"Python        {sys.version.split()[0]} at {sys.executable}")
    missing = missing_libraries()
    if missing:
        ready = False
        print(f"system        missing {', '.join(missing)}; install with: {install_line(missing)}")
    elif sys.platform == "linux":
        print("system        all libraries found")
    for extra, packages in EXTRAS.items():
        faults = {name: why for name in packages if (why := fault(name))}
        if faults:
            ready = ready and extra not in ("base", "terminal", "blender", "pose")
            print(f"{extra:13} missing or broken: {'; '.join(f'{name} ({why})' for name, why in faults.items())}")
            wanted = "." if extra in ("base", "terminal") else f".[{extra}]"
            print(f"{'':13} in the project's folder: pip install -c constraints.txt -e '{wanted}'")
        else:
            print(f"{extra:13} " + ", ".join(f"{name} {_version(dist)}" for name, dist in packages.items()))
    print(f"GPU           {_gpu()}")
    print("main job      " + ("ready: graphics-ml animate VIDEO --rig RIG -o OUT" if ready else "not ready, see above"))
    return 0 if ready else 1


def fault(name: str) -> str | None:
    """Why a package, named as it is imported, cannot be used, in a few words; None where it can."""
    if name in sys.modules:  # Blender's own program has a bpy that its Python finds nowhere
        return None
    if find_spec(name) is None:
        return "not installed"
    if name not in ("bpy", "mediapipe", "open3d"):
        return None
    # These three load system libraries on import: only importing them tells.
    command = [sys.executable, "-c", f"import {name}"]
    failed = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"GLOG_minloglevel": "3"})
    return None if failed.returncode == 0 else (failed.stderr.strip().splitlines() or ["does not import"])[-1]


def missing_libraries() -> list[str]:
    """Shared libraries that the packages need and the system lacks; none on Windows and macOS."""
    return [] if sys.platform != "linux" else [name for name in SYSTEM_LIBRARIES if not _loads(name)]


def install_line(missing: list[str]) -> str:
    """The one line that installs missing libraries on Debian and Ubuntu."""
    return "apt-get install -y --no-install-recommends " + " ".join(SYSTEM_LIBRARIES[name] for name in missing)


def install_system_libraries() -> int:
    """Install what is missing when root, else print the line that does and give 1."""
    missing = missing_libraries()
    if not missing:
        return 0
    line = install_line(missing)
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"Some system libraries are missing. Run this, then try again:\n\n    sudo {line}\n", file=sys.stderr)
        return 1
    print(f"installing system libraries: {line}", file=sys.stderr)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], line.split()):
        if subprocess.run(command, env=environment, stdout=subprocess.DEVNULL).returncode != 0:
            print(f"this failed: {' '.join(command)}", file=sys.stderr)
            return 1
    still = missing_libraries()
    if still:
        print(f"still missing after installing: {', '.join(still)}", file=sys.stderr)
    return 1 if still else 0


def _loads(name):
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _version(distribution):
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "(version unknown)"


def _gpu():
    if find_spec("torch") is None:
        return "unknown without torch"
    torch = import_module("torch")
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "none; networks run on the processor"


if __name__ == "__main__":
    sys.exit(install_system_libraries() if sys.argv[1:] == ["--system"] else report())
