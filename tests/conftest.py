"""Fixtures shared by all tests: the folder of real data, and the clips inside its archives."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

from tests.archives import unpack

# A busy machine makes any example slow once in a while; a test that is really slow shows in its own time.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

# A shell that runs the tests in the background lets them ignore Ctrl-C, and so all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real videos, mocap and rigs named by GRAPHICS_ML_TEST_DATA; skips where it is unset."""
    folder = os.environ.get("GRAPHICS_ML_TEST_DATA")
    if not folder:
        pytest.skip("GRAPHICS_ML_TEST_DATA is not set")
    return Path(folder)


@pytest.fixture(scope="session")
def clips(test_data, tmp_path_factory):
    """A function that unpacks motion/<name>.tar.xz once a session and gives the sorted list of its .bvh files."""
    unpacked = {}

    def files(name: str) -> list[Path]:
        if name not in unpacked:
            unpacked[name] = unpack(test_data / "motion" / f"{name}.tar.xz", tmp_path_factory.mktemp(name))
        return unpacked[name]

    return files


def pytest_terminal_summary(terminalreporter):
    skipped = len(terminalreporter.stats.get("skipped", []))
    terminalreporter.write_line(
        f"skipped tests: {skipped} (ceiling: {os.environ.get('GRAPHICS_ML_MAX_SKIPS', 'none')})"
    )


def pytest_sessionfinish(session, exitstatus):
    """Fail where more tests are skipped than GRAPHICS_ML_MAX_SKIPS allows: a skip must not hide a hole in CI."""
    ceiling = os.environ.get("GRAPHICS_ML_MAX_SKIPS")
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if ceiling is None or reporter is None or exitstatus != 0:
        return
    if len(reporter.stats.get("skipped", [])) > int(ceiling):
        session.exitstatus = 1
