"""Each block of code in README.md and docs is a piece of a file that the tests compile, load or run."""

import os
import sys
from functools import partial

tree = sys.argv[1]
sys.path.insert(0, os.path.join(tree, "tests", "support"))
import cases
from code_blocks import all_blocks, blocks_of

# Where pieces come from: what is there is compiled, loaded or run by a test.
SOURCES = ("docs/examples", "docs/monarc.toml", "examples", "tests/install")
# Documents whose blocks a test takes out one by one, to build and run them as they stand.
BUILT_BY = {"docs/linking.md": "tests/install/consumers_test.py", "docs/testing.md": "tests/install/consumers_test.py"}
# console, commands: tests/cli/transcript_test.py runs or reads them. text: no code.
ELSEWHERE = {"commands", "console", "text"}


def words_of(lines):
    """Lines without what only lays them out; a piece may be indented otherwise."""
    return [" ".join(line.split()) for line in lines if line.strip()]


def files():
    for source in SOURCES:
        top = os.path.join(tree, source)
        if os.path.isfile(top):
            yield top
        for folder, _, names in os.walk(top):
            yield from (os.path.join(folder, name) for name in names)


def texts():
    for path in files():
        try:
            with open(path, encoding="utf-8") as file:
                yield words_of(file.read().split("\n"))
        except UnicodeDecodeError:
            pass


SOURCE_LINES = list(texts())


def is_piece(block):
    wanted = words_of(block.lines)
    return any(lines[i:i + len(wanted)] == wanted
               for lines in SOURCE_LINES for i in range(len(lines) - len(wanted) + 1))


def is_python(block):
    """What is wrong with a block of another library's language: we can only read it."""
    try:
        compile("\n".join(block.lines), str(block), "exec")
    except SyntaxError as error:
        return str(error)
    return None


def check(block):
    if block.language == "python":
        return partial(is_python, block)
    return lambda: None if is_piece(block) else (
        f"{block}: this {block.language} is no piece of a file in {', '.join(SOURCES)}:\n" + "\n".join(block.lines) +
        "\nput it into one that a test compiles or loads; if it is no code, fence it as text")


def blocks_are_told_apart():
    text = "a\n\n    int x;\n\n    int y;\n\nb\n\n    $ ls\n    z\n\n```toml\n[a]\n```\n\n    a = b\n\nc\n\n    tail -f x | monarc send -\n"
    kinds = [(b.line, b.language, b.lines) for b in blocks_of("x", text)]
    wanted = [(3, "cpp", ["int x;", "", "int y;"]), (9, "console", ["$ ls", "z"]), (12, "toml", ["[a]"]),
              (16, "text", ["a = b"]), (20, "commands", ["tail -f x | monarc send -"])]
    return None if kinds == wanted else f"{kinds}"


def is_built(document):
    """Whether the test that builds a document's blocks is there and reads the document."""
    test = os.path.join(tree, BUILT_BY[document])
    if not os.path.exists(test):
        return f"{document}: there is no {BUILT_BY[document]}"
    with open(test, encoding="utf-8") as file:
        return None if os.path.basename(document) in file.read() else f"{BUILT_BY[document]} does not read {document}"


CODE = [block for block in all_blocks(tree) if block.language not in ELSEWHERE]
cases.main([("blocks are told apart", blocks_are_told_apart)] +
           [(f"{block} is compiled or loaded by a test", check(block)) for block in CODE if block.path not in BUILT_BY] +
           [(f"{document} is built by a test", partial(is_built, document))
            for document in sorted({block.path for block in CODE if block.path in BUILT_BY})])
