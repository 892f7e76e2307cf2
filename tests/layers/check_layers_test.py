#!/usr/bin/env python3
"""The tree keeps the layers, and check_layers finds each kind of violation when it is planted."""

import os
import sys
import tempfile

TREE = sys.argv[1]
sys.dont_write_bytecode = True
sys.path += [os.path.join(TREE, "tools/dev"), os.path.join(TREE, "tests/support")]

import cases
import check_layers

# A small tree that keeps every rule.
SOUND = {
    "include/monarc/a.hpp": "#include <vector>\n#include <monarc/detail/b.hpp>\n",
    "include/monarc/detail/b.hpp": "#include <cstdint>\n",
    "src/asio_impl.cpp": "#include <boost/asio/impl/src.hpp>\n",
    "src/core/names.hpp": "#include <monarc/a.hpp>\n",
    "src/queue/record_queue.cpp":
        '#include "core/names.hpp"\n#include <concurrentqueue/concurrentqueue.h>\n',
    "src/encode/json.hpp": '#include "core/names.hpp"\n',
    "src/compress/gzip.cpp": "#include <zlib.h>\n#include <isa-l/igzip_lib.h>\n#include <libdeflate.h>\n",
    "src/delivery/delivery.hpp": '#include "core/names.hpp"\n',
    "src/transport/http.hpp": "#include <boost/asio/ip/tcp.hpp>\n#include <boost/beast/http.hpp>\n",
    "src/auth/token.cpp": '#include "encode/json.hpp"\n#include "transport/http.hpp"\n',
    "src/destinations/mona.cpp": '#include "auth/token.hpp"\n#include "encode/json.hpp"\n',
    "src/auth/token.hpp": "#include <string>\n",
    "src/pipeline/exporter.cpp": '#include "destinations/mona.hpp"\n#include "delivery/delivery.hpp"\n',
    "src/destinations/mona.hpp": "#pragma once\n",
    "src/mona_client/client.hpp": '#include "delivery/delivery.hpp"\n',
    "src/monasca_client/client.hpp": "#pragma once\n",
    "tools/sink/server.hpp": '#include "encode/json.hpp"\n',
    "tools/monarc/main.cpp": '#include "sink/server.hpp"\n#include "transport/http.hpp"\n',
    "tests/pipeline/x_test.cpp":
        '#include "support/x.hpp"\n#include "sink/server.hpp"\n#include <zlib.h>\n',
    "tests/support/x.hpp": "#pragma once\n",
    "bench/push_bench.cpp": "#include <concurrentqueue/concurrentqueue.h>\n",
}

# What is planted, where, and a piece of the line that must be printed.
PLANTED = [
    ("core reaches up", "src/core/x.cpp", '#include "queue/q.hpp"',
     "src/core/x.cpp:1: include \"queue/q.hpp\": core may include public headers"),
    ("one module of rank 1 reaches another", "src/encode/x.cpp", '\n#include "delivery/delivery.hpp"',
     "src/encode/x.cpp:2: include \"delivery/delivery.hpp\": encode may include public headers, core"),
    ("auth reaches compress", "src/auth/x.cpp", '#include "compress/c.hpp"', "auth may include"),
    ("destinations reach delivery", "src/destinations/x.cpp", '#include "delivery/delivery.hpp"',
     "destinations may include"),
    ("the pipeline reaches a facade", "src/pipeline/x.cpp", '#include "mona_client/client.hpp"',
     "pipeline may include"),
    ("one facade reaches the other", "src/mona_client/x.cpp", '#include "monasca_client/client.hpp"',
     "mona_client may include"),
    ("a tool reaches the pipeline", "tools/monarc/x.cpp", '#include "pipeline/p.hpp"', "tools may include"),
    ("the library reaches a test", "src/core/x.cpp", '#include "support/x.hpp"', "nothing outside includes tests/"),
    ("the library reaches a tool", "src/pipeline/x.cpp", '#include "sink/server.hpp"', "pipeline may include"),
    ("a public header shows a library", "include/monarc/x.hpp", "#include <fmt/format.h>",
     "public headers include only standard headers"),
    ("a public header shows a system header", "include/monarc/x.hpp", "#include <unistd.h>",
     "public headers include only standard headers"),
    ("a public header includes by quotes", "include/monarc/x.hpp", '#include "monarc/a.hpp"',
     "public headers include only standard headers"),
    ("a public header that is not there", "src/core/x.cpp", "#include <monarc/none.hpp>", "no such public header"),
    ("a public header by quotes", "src/core/x.cpp", '#include "monarc/a.hpp"', "are included as <monarc/…>"),
    ("moodycamel outside queue", "src/pipeline/x.cpp", "#include <concurrentqueue/concurrentqueue.h>",
     "only src/queue/ includes"),
    ("zlib outside compress", "src/transport/x.cpp", "#  include <zlib.h>", "only src/compress/ includes"),
    ("ISA-L in a tool", "tools/sink/x.cpp", "#include <isa-l/igzip_lib.h>", "only src/compress/ includes"),
    ("libdeflate outside compress", "src/encode/x.cpp", "#include <libdeflate.h>", "only src/compress/ includes"),
    ("the whole of Asio", "src/transport/x.cpp", "#include <boost/asio.hpp>", "single headers"),
    ("the whole of Beast, in a test", "tests/support/y.hpp", "#include <boost/beast.hpp>", "single headers"),
    ("a step out of the folder", "src/core/x.cpp", '#include "../queue/q.hpp"', 'no "../"'),
    ("a file that is not there", "src/core/x.cpp", '#include "names.hpp"', "no such file"),
    ("our own file in angle brackets", "src/core/x.cpp", "#include <queue/q.hpp>", "stand in quotes"),
    ("an include by macro", "src/core/x.cpp", "#include SOME_FILE", "named by a macro"),
    ("a file straight in src/ reaches a module", "src/x.cpp", '#include "core/names.hpp"', "belongs to no module"),
    ("a module without a rank", "src/util/x.cpp", "#include <vector>", "it has no rank"),
    ("an empty file", "src/core/x.cpp", "", "the file is empty"),
    ("an empty meson.build", "bench/meson.build", "", "the file is empty"),
]
EXTRA = {path: "#pragma once\n" for path in
         ("src/queue/q.hpp", "src/compress/c.hpp", "src/pipeline/p.hpp")}


def lines_of(files):
    with tempfile.TemporaryDirectory() as tree:
        for path, text in files.items():
            full = os.path.join(tree, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as out:
                out.write(text)
        return check_layers.check(tree)[0]


def the_tree():
    return "\n".join(check_layers.check(TREE)[0])


def a_sound_tree():
    return "\n".join(lines_of(SOUND | EXTRA))


def a_comment():
    text = "/* as it was:\n#include \"queue/q.hpp\"\n*/\n// #include <boost/asio.hpp>\n"
    return "\n".join(lines_of(SOUND | EXTRA | {"src/core/x.cpp": text}))


def planted(path, text, expected):
    lines = lines_of(SOUND | EXTRA | {path: text})
    if len(lines) == 1 and expected in lines[0]:
        return None
    return f"expected one line with: {expected}\ngot: {lines}"


cases.main(
    [
        ("the tree keeps the layers", the_tree),
        ("a sound tree has no violation", a_sound_tree),
        ("an include in a comment does not count", a_comment),
    ]
    + [(f"found: {name}", lambda p=plant: planted(*p)) for name, *plant in PLANTED]
)
