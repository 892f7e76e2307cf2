"""The code blocks of a Markdown file: fenced ones, and those that are indented by four spaces.

The language of a fenced block is written behind its fence. An indented one is `console` if it begins with "$ ",
`commands` if it only names commands of ours, `cpp` if it looks like that, and else `text`: a formula, a form, a message.
"""

import os
import re
from dataclasses import dataclass


@dataclass
class Block:
    path: str
    line: int
    language: str
    lines: list

    def __str__(self):
        return f"{self.path}:{self.line}"


def language_of(lines):
    if lines[0].startswith("$ "):
        return "console"
    if any(re.match(r"(?:[^$]*\| *)?(?:monarc|monasca) ", line) for line in lines):
        return "commands"
    if any(re.match(r"#include\b|using namespace\b", line) or re.search(r"[;{]$", line) for line in lines):
        return "cpp"
    return "text"


def blocks_of(path, text):
    lines, found, at = text.split("\n"), [], 0
    while at < len(lines):
        begin = at
        fence = re.match(r"(`{3,})(\w*)\s*$", lines[at])
        if fence:
            end = next((i for i in range(at + 1, len(lines)) if lines[i].strip() == fence[1]), len(lines))
            found.append(Block(path, begin + 1, fence[2] or "text", lines[at + 1:end]))
            at = end + 1
        elif lines[at].startswith("    ") and (at == 0 or not lines[at - 1].strip()):
            while at < len(lines) and (lines[at].startswith("    ") or not lines[at].strip()):
                at += 1
            body = [line[4:] for line in lines[begin:at]]
            while not body[-1].strip():
                body.pop()
            found.append(Block(path, begin + 1, language_of(body), body))
        else:
            at += 1
    return found


def documents(tree):
    """README.md and what is in docs/."""
    yield "README.md"
    for folder, _, names in sorted(os.walk(os.path.join(tree, "docs"))):
        for name in sorted(names):
            if name.endswith(".md"):
                yield os.path.relpath(os.path.join(folder, name), tree)


def all_blocks(tree):
    for path in documents(tree):
        with open(os.path.join(tree, path), encoding="utf-8") as file:
            yield from blocks_of(path, file.read())
