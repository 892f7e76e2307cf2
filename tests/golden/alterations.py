"""Alters what a recording expects: each field that its README says is compared, one at a time.

Not altered, because nobody compares it:
* mona-client: info and debug lines that are lost ("extra info/debug lines are fine"), the lines of the
  original's own sender, how many lines of standard output were looked at, over which connections messages came;
* mona_sdk: `body_text`, and members of messages that are null.
"""

import base64
import copy

OF_THE_SENDER = ("sender_", "queue_put_")
QUIET = ("DEBUG", "INFO")


def is_leaf(value):
    return not isinstance(value, (dict, list)) or not value or any(str(key).startswith("$") for key in value)


def another(value):
    """Of the same kind where there is one, so that only a comparison can tell."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, (int, float)):
        return value + 1 if value + 1 != value else value / 2
    if isinstance(value, str):
        return value + "x"
    return {**value, "more": 1} if isinstance(value, dict) else value + [1]


def fields_of(value, path=()):
    if is_leaf(value):
        yield path
    else:
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from fields_of(value[key], path + (key,))


def at(value, path):
    for key in path:
        value = value[key]
    return value


def is_null_of_message(expected, path):
    return len(path) == 6 and path[2:4] == ("body", "messages") and at(expected, path) is None


def is_compared(expected, path):
    if path[0] == "log" and len(path) > 1:
        line = expected["log"][path[1]]
        return not (line["level"] == "DEBUG" and line["code"].startswith(OF_THE_SENDER))
    return "body_text" not in path and not is_null_of_message(expected, path)


# --- changes: each is done to the parent of what it alters

def set_other(parent, key):
    parent[key] = another(parent[key])


def rename(parent, key):
    held = list(parent.items())
    parent.clear()
    parent.update((name + "x" if name == key else name, value) for name, value in held)


def lose(parent, key):
    del parent[key]


def repeat(parent, key):
    parent.insert(key, parent[key])


def swap(parent, key):
    parent[key], parent[key + 1] = parent[key + 1], parent[key]


def raise_instead(parent, key):
    del parent[key]["return"]
    parent[key]["raises"] = "MonaExportException"


def return_instead(parent, key):
    del parent[key]["raises"]
    parent[key]["return"] = None


def set_other_level(parent, key):
    parent[key] = "WARNING" if parent[key] != "WARNING" else "INFO"


def flip_byte(place):
    def flip(parent, key):
        held = bytearray(base64.b64decode(parent[key]))
        held[int(place * (len(held) - 1))] ^= 1
        parent[key] = base64.b64encode(held).decode()
    return flip


def toggle(parent, key):
    if parent.pop(key, None) is None:
        parent[key] = "ValueError"


# --- what is changed: each gives paths, with the change

def fields(expected):
    for path in fields_of(expected):
        if not path or not is_compared(expected, path) or path[0] == "raw_base64":
            continue
        if not isinstance(at(expected, path), (list, dict)) or len(path) > 1:
            yield path, set_other
        if len(path) > 3 and isinstance(path[-1], str):
            yield path, rename


def entries_of(expected):
    for name in ("results", "log", "http"):
        for i in range(len(expected.get(name, []))):
            yield (name, i)
    for i, connection in enumerate(expected.get("wire", [])):
        for j in range(len(connection) if isinstance(connection, list) else 0):
            yield ("wire", i, j)


def entries(expected):
    for path in entries_of(expected):
        if not is_compared(expected, path):
            continue
        held, all_of_them = at(expected, path), at(expected, path[:-1])
        is_client_log = path[0] == "log" and "logger" not in held
        if not is_client_log or held["level"] not in QUIET:
            yield path, lose
        yield path, repeat
        following = path[:-1] + (path[-1] + 1,)
        if path[-1] + 1 < len(all_of_them) and held != at(expected, following) and is_compared(expected, following):
            yield path, swap


def verdicts(expected):
    for i, line in enumerate(expected.get("results", [])):
        if "return" in line:
            yield ("results", i), raise_instead
        if "raises" in line:
            yield ("results", i), return_instead
    for i in range(len(expected.get("log", []))):
        if is_compared(expected, ("log", i)):
            yield ("log", i, "level"), set_other_level
    for i in range(len(expected.get("raw_base64", []))):
        for place in (0, 0.5, 1):
            yield ("raw_base64", i), flip_byte(place)
        yield ("raw_base64", i), lose
    yield ("load_error",), toggle


def alterations(expected):
    """Pairs of a path in what is expected and a change."""
    for which in (fields, entries, verdicts):
        yield from which(expected)


def name_of(path, change):
    return "/".join(map(str, path)) + ": " + change.__name__


def altered(expected, path, change):
    other = copy.deepcopy(expected)
    change(at(other, path[:-1]), path[-1])
    return other
