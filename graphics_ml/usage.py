"""Why a command line cannot be used, in one sentence; the parser itself says it in a box of many lines."""

from dataclasses import MISSING
from pathlib import Path
from typing import get_args, get_origin

from graphics_ml.jobs import JobError, from_text, typed_settings
from graphics_ml.wording import suggestion


def usage_fault(arguments: list[str], commands: dict[str, type]) -> str:
    """The first fault in the words of a command line that the parser refused.

    Args:
        arguments: the words.
        commands: name to the dataclass of its settings, as in jobs.py.
    """
    name, *words = arguments
    if name not in commands:
        what = f"there is no command '{name}'" if not name.startswith("-") else f"a command must come before '{name}'"
        return what + suggestion(name, commands)
    known = {one.name: (one, kind) for one, kind in typed_settings(commands[name])}
    flags, places = _flags(commands[name]), [key for key, (one, _) in known.items() if one.metadata["positional"]]
    given, words, several = set(), iter(words), False
    for word in words:
        flag, equals, value = word.partition("=")
        flag = flag.replace("_", "-")
        if not word.startswith("-"):
            if several:
                continue
            if not places:
                apart = any(
                    key in given and one.metadata["positional"] and _several(kind) for key, (one, kind) in known.items()
                )
                hint = "name all files in one place" if apart else "put names with spaces in quotes"
                return f"'{word}' is one word too many for {name}; {hint}"
            key = places.pop(0)
            given.add(key)
            several = _several(known[key][1])
            continue
        if flag not in flags:
            others = [other for other, command in commands.items() if flag in _flags(command)]
            return f"{name} has no option {flag}" + (f", but {others[0]} has" if others else suggestion(flag, flags))
        given.add(flags[flag])
        one, kind = known[flags[flag]]
        several = _several(kind)
        if kind is bool:
            if equals:
                return f"{flag} takes no value: it is given or not"
            continue
        value = value if equals else next(words, "")
        if not value or (not equals and value in flags):
            return f"{flag} needs a value: {one.metadata['help']}"
        if not equals and value.startswith("-") and Path in (kind, *get_args(kind)):
            return f"{flag} needs a value, and '{value}' begins as an option does; write ./{value} if it is a name"
        try:
            from_text(flag, value, kind)
        except JobError as error:
            return str(error)
    missing = [_asked_for(one) for key, (one, _) in known.items() if one.default is MISSING and key not in given]
    if missing:
        return f"{name} needs {' and '.join(missing)}"
    return f"these words cannot be understood; see graphics-ml {name} --help"


def _several(kind):
    return get_origin(kind) is tuple


def _flags(command):
    """Each option of a command, as typed, to its setting's name."""
    spelled = {}
    for one, _ in typed_settings(command):
        if not one.metadata["positional"]:
            spelled["--" + one.name.replace("_", "-")] = one.name
            if one.metadata["short"]:
                spelled["-" + one.metadata["short"]] = one.name
    return spelled


def _asked_for(one):
    about = one.metadata
    option = "" if about["positional"] else f"-{about['short']} " if about["short"] else f"--{one.name} "
    return f"{option}{one.name.upper()} ({about['help']})"
