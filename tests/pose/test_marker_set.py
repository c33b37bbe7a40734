"""Marker sets: which labels are recognised, how they are spelled, and tables of one's own."""

import pytest

from graphics_ml.errors import FileError
from graphics_ml.formats import load_markers
from graphics_ml.pose.body import JOINTS
from graphics_ml.pose.marker_set import MarkerSetError, choose_set, known_sets, plain, read_marker_set, site_on_body

PLUG_IN_GAIT = [
    *(side + name for side in "LR" for name in ("ASI", "PSI", "THI", "KNE", "TIB", "ANK", "HEE", "TOE", "SHO", "ELB")),
    *(side + name for side in "LR" for name in ("WRA", "WRB", "FIN", "UPA", "FRM", "FHD", "BHD")),
    *("C7", "T10", "CLAV", "STRN", "RBAK"),
]
CMU = [
    *(side + name for side in "LR" for name in ("FHD", "BHD", "SHO", "UPA", "ELB", "FRM", "WRA", "WRB", "FIN")),
    *(side + name for side in "LR" for name in ("FWT", "BWT", "THI", "KNE", "SHN", "ANK", "HEE", "MT5", "TOE")),
    *("C7", "T10", "CLAV", "STRN", "RBAC"),
]
HALPE = ["Hip", "Neck", "Head", "Nose"]
HALPE += [
    side + name
    for side in "LR"
    for name in ("Hip", "Knee", "Ankle", "BigToe", "SmallToe", "Heel", "Shoulder", "Elbow", "Wrist")
]
BODY_25 = ["CHip", *(name for name in HALPE if name not in ("Hip", "Head"))]


@pytest.mark.parametrize(
    ("names", "known"),
    [(PLUG_IN_GAIT, "Plug-in Gait"), (CMU, "CMU-41"), (HALPE, "HALPE_26"), (BODY_25, "OpenPose BODY_25")],
    ids=["plug-in gait", "cmu", "halpe", "body 25"],
)
@pytest.mark.parametrize(
    "spelled",
    [str, str.lower, lambda n: f"Anna:{n}", lambda n: f"20240511_Kuo_{n}", lambda n: n[:1] + "_" + n[1:]],
    ids=["as it is", "lower case", "subject", "prefix", "underscore"],
)
def test_a_set_is_recognised_however_its_labels_are_spelled(names, known, spelled):
    labels = [spelled(name) for name in names]
    chosen, found = choose_set([*labels, "*41", "wand"])
    assert chosen.name == known
    assert list(found) == labels


def test_sites_are_those_of_the_right_side():
    _, found = choose_set(CMU)
    assert (found["LFWT"], found["RSHN"], found["C7"], found["RBAC"]) == (
        "left_asis",
        "right_shin",
        "c7",
        "right_scapula",
    )
    left, right = site_on_body("left_asis"), site_on_body("right_asis")
    assert left.place[0] == -right.place[0] > 0 and left.joint == right.joint == "hips"
    assert site_on_body("right_knee_lateral").joint == "right_thigh"
    for one in known_sets():
        for site in one.sites.values():
            assert site_on_body(site).joint in JOINTS


def test_two_labels_for_one_site_give_the_first():
    _, found = choose_set([*PLUG_IN_GAIT, "LANKLE"])
    assert "LANKLE" not in found


def test_labels_of_no_set_are_refused_with_what_is_known():
    with pytest.raises(MarkerSetError, match=r"Marker_1, Marker_2.*no marker set.*Plug-in Gait.*plug_in_gait\.toml"):
        choose_set([f"Marker_{k}" for k in range(1, 30)])
    with pytest.raises(MarkerSetError, match=r"no marker set that is known \(HALPE_26\)"):
        choose_set([f"Marker_{k}" for k in range(1, 30)], "halpe 26")
    with pytest.raises(MarkerSetError, match="there is no marker set 'halp_26'; did you mean 'HALPE_26'"):
        choose_set(PLUG_IN_GAIT, "halp_26")


def test_a_named_set_whose_labels_are_not_there_is_refused_with_the_one_that_they_look_like(test_data):
    gait = load_markers(test_data / "markers" / "walk1.trc").names
    with pytest.raises(MarkerSetError, match=r"7 of the 41 labels are .*'Plug-in Gait'; .* 'OpenSim gait' .41 of them"):
        choose_set(gait, "Plug-in Gait")
    with pytest.raises(MarkerSetError, match=r"only 0 of the 39 labels .*'HALPE_26'; they look like 'Plug-in Gait'"):
        choose_set(PLUG_IN_GAIT, "HALPE_26")
    legs = [name for name in PLUG_IN_GAIT if name[1:] in ("ASI", "PSI", "THI", "KNE", "TIB", "ANK", "HEE", "TOE")]
    assert len(choose_set(legs, "Plug-in Gait")[1]) == 16
    assert choose_set(HALPE, "OpenPose BODY_25")[0].name == "OpenPose BODY_25"


def test_a_table_of_ones_own_is_used(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'name = "ours"\n[sided]\nhuefte = "hip_centre"\nknie = "knee_centre"\nfuss = "ankle_centre"\n'
        '[middle]\nkopf = "head_top"\n[aliases]\nknie = ["knee"]\n'
    )
    chosen, found = choose_set(["L.Huefte", "R.Huefte", "L.Knie", "R.Knee", "LFuss", "RFuss", "Kopf"], str(path))
    assert chosen.name == "ours" and found["R.Knee"] == "right_knee_centre" and found["Kopf"] == "head_top"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[sided]\nKNE = "knee_laterl"\n', "no site 'knee_laterl'; did you mean 'knee_lateral'"),
        ("[sided\n", "not a TOML marker set"),
        ('sided = "KNE"\n', "not laid out"),
        ('needed = 3\n[sided]\nKNE = "knee_lateral"\n', "not laid out"),
    ],
)
def test_a_table_with_a_mistake_is_told(tmp_path, text, said):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(FileError, match=said):
        read_marker_set(path)
    with pytest.raises(FileError, match="cannot be read"):
        read_marker_set(tmp_path / "none.toml")


def test_labels_are_compared_by_letters_and_digits():
    assert plain("Anna:L.Thigh_Upper 2") == "lthighupper2"
