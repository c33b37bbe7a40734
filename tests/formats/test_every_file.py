"""Every real motion file in every format that can hold it: joints come back to within the format's own tolerance.

What a format cannot hold is in graphics_ml/formats/table.toml, and is why a cell is skipped or less of it compared: the
reason is printed with it. `python -m tests.formats.every_file` runs all files; here the archives are sampled.
"""

import pytest

from graphics_ml import formats
from graphics_ml.formats import holds
from tests.formats.every_file import FORMATS, KINDS, SLOW, back_and_forth, sampled


@pytest.mark.filterwarnings("ignore::graphics_ml.errors.FormatWarning")
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_comes_back_from_a_format_that_can_hold_it(test_data, clips, tmp_path, kind, name):
    for path in sampled(kind, test_data, clips):
        most = SLOW if name in formats._entry_points() else None
        reason, error = back_and_forth(path, name, tmp_path, most)
        if reason:
            # Not a skipped test: that it is refused, with this reason, is what is tested.
            print(f"{path.name} as {name}: {reason}")
        else:
            assert error < holds.table()[name].get("within", 1e-4), path.name


def test_the_table_has_every_format_that_is_written_here_and_every_property_for_each():
    own = {name for name, one in formats._FORMATS.items() if one.written and isinstance(one.implementation, str)}
    assert own <= set(holds.table())
    for name, row in holds.table().items():
        properties = {key: value for key, value in row.items() if key not in ("bodies", "within", "read_at")}
        assert set(properties) == set(holds.PROPERTIES), name
        assert all(value is True or len(value) > 10 for value in properties.values()), name
        assert (properties["any_skeleton"] is True) == ("bodies" not in row), name
        assert (properties["frame_rate"] is True) == ("read_at" not in row), name
