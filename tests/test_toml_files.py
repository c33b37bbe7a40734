"""TOML files of users: what they hold, and one sentence where they cannot be used."""

import pytest

from graphics_ml.errors import FileError
from graphics_ml.toml_files import read_toml


def test_a_byte_order_mark_is_passed_over(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbfa = 1\n")
    assert read_toml(tmp_path / "a.toml", "bone map") == {"a": 1}


@pytest.mark.parametrize(
    "content", [b"a = \n", b"\xff\xfe\x00", b"a = " + 100_000 * b"["], ids=["cut", "binary", "nested without end"]
)
def test_what_is_not_toml_is_one_sentence(tmp_path, content):
    (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(FileError, match=r"a\.toml: this is not a TOML bone map") as caught:
        read_toml(tmp_path / "a.toml", "bone map")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(FileError, match="the bone map cannot be read"):
        read_toml(tmp_path / "a.toml", "bone map")
