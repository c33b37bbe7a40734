"""How a setting is named in a sentence that tells a user to change it: as an option and in Python, and in panels."""

SAY_RATE = "--fps of convert, fps= in Python"
SAY_FOUND = "--frames-found, in Python frames='found'"
SAY_BODY = "--body-model, in Python body_model="
SAY_T_POSE = "--drop-t-pose"
SAY_KEEP_ACTIONS = "--keep-actions"
SAY_MAP = "the list in the panel Retarget, or --map"

_IN_PANELS = {
    SAY_RATE: "Frame Rate in the panel Convert a File",
    SAY_FOUND: "Accept Cut-Off Files",
    SAY_BODY: "Body Model in the panel Convert a File",
    SAY_T_POSE: "Leave Out T-Pose",
    SAY_KEEP_ACTIONS: "Keep Actions",
    SAY_MAP: "the list in the panel Retarget",
}


def in_panels(sentence: str) -> str:
    """A sentence in which the settings are called as panels call them."""
    for hint, shown in _IN_PANELS.items():
        sentence = sentence.replace(hint, shown)
    return sentence
