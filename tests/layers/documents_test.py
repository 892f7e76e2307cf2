"""docs/configuration.md and docs/statistics.md name every option and counter of the headers, and nothing else."""

import os
import re
import sys

tree = sys.argv[1]
passed = failed = 0


def read(path):
    with open(os.path.join(tree, path), encoding="utf-8") as file:
        return file.read()


def members(header, struct):
    """Names of the data members of a struct."""
    body = re.search(r"struct (?:MONARC_API )?%s \{(.*?)\n\};" % struct, header, re.S).group(1)
    body = re.sub(r"//.*", "", body)
    names = []
    for statement in body.split(";"):
        if "(" in statement.split("=")[0].split("{")[0]:
            continue  # a function
        statement = re.sub(r"\{[^}]*\}|<[^>]*>", "", statement)
        for part in statement.split(","):
            part = part.split("=")[0].split()
            if part:
                names.append(part[-1])
    return names


def check(name, missing):
    global passed, failed
    if missing:
        failed += 1
        print(f"FAILED {name}: {', '.join(sorted(missing))}")
    else:
        passed += 1


options = read("include/monarc/options.hpp")
table = read("src/core/option_table.cpp")
configuration = read("docs/configuration.md")
groups = {
    "mona": ("mona_forward_options", "mona_rest_options"),
    "monasca": ("monasca_options",),
    "queue": ("queue_options",),
    "batch": ("batch_options",),
    "retry": ("retry_options",),
    "spool": ("spool_options",),
    "tls": ("tls_options",),
    "io_thread": ("io_thread_options",),
}
wanted = {"mona.kind"}  # what a variant's alternative is called in a file
for name in members(options, "exporter_options"):
    if name in groups:
        wanted |= {f"{name}.{inner}" for struct in groups[name] for inner in members(options, struct)}
    else:
        wanted.add(name)
rows = "\n".join(line.split("|")[1] for line in configuration.splitlines() if line.startswith("| `"))
named = re.findall(r"`([a-z_.]+)`", rows)
told = set(named)
check("no option has two rows", {name for name in told if named.count(name) > 1})
check("every option has a row in configuration.md", wanted - told)
check("configuration.md has no option that does not exist", told - wanted)

listed = re.search(r"std::vector<option> make_table\(\).*?\n\}", table, re.S).group(0)
loaded = set(re.findall(r'(?:row|bytes)\(\s*"([a-z_.]+)"', listed)) | set(re.findall(r'\.name = "([a-z_.]+)"', table))
in_code_only = {"log"}
check("every option can be loaded", wanted - loaded - in_code_only)
check("nothing can be loaded that is no option", loaded - wanted)
pairs = re.findall(r'(?:row|bytes)\(\s*"([a-z_.]+)",\s*at\(([^()]*)\)', listed)
check("a row has the member of its name", [n for n, at in pairs if n.split(".")[-1] != at.split("::")[-1].strip()])
check("every row was read", (loaded - {"mona.kind"}) - {n for n, _ in pairs})

stats = read("include/monarc/stats.hpp")
statistics = read("docs/statistics.md")
counters = set(members(stats, "exporter_stats")) | set(members(stats, "destination_stats"))
told = set(re.findall(r"`([a-z_0-9]+)`", statistics)) | set(re.findall(r"\b[a-z_]+\b", statistics.split("##")[0]))
check("every counter is in statistics.md", counters - told - {"destinations", "name", "last_error"})

text = read("src/core/stats_text.cpp")
written = set(re.findall(r'"([a-z_0-9]+)"', text))
check("every counter is in to_json and to_prometheus", counters - written - {"destinations"})
pairs = re.findall(r'\{"([a-z_0-9]+)",\s*&\w+::([a-z_0-9]+),', text)
check("a metric has the member of its name", [name for name, member in pairs if name != member])

reasons = set(re.findall(r"^    ([a-z_]+),$", re.search(r"enum class reason.*?\};", stats, re.S).group(0), re.M))
rows = {line.split("`")[1] for line in statistics.split("## Reasons")[1].splitlines() if line.startswith("| `")}
check("every reason has a row", reasons - rows)
check("no row without a reason", rows - reasons)

print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
