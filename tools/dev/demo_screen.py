#!/usr/bin/env python3
"""The last screen of tools/demo: what the examples wrote with --json, side by side and added up."""

import json
import sys

# What a newcomer is shown; any other row only if its counts differ.
SHOWN = {"records", "fields", "contexts", "events", "sum of sequence",
         "values", "flights scored", "flights late", "ticks", "volume", "signals", "measurements"}
COUNTS = ("application", "exporter", "sink")


def figure(number, unit=""):
    text = "" if number is None else f"{number:,.2f}" if isinstance(number, float) else f"{number:,}"
    return text + unit


def side_by_side(runs):
    def bytes_to(name):
        return lambda run: next(d["bytes_a_record"] for d in run["destinations"] if d["name"] == name)

    rows = [
        ("", lambda run: run["example"], ""),
        ("rows of real data", lambda run: run["data_rows"], ""),
        ("contexts: row, thread and pass", lambda run: run["contexts"], ""),
        ("records pushed", lambda run: run["records"], ""),
        ("  refused for want of room, then again", lambda run: run["refused"], ""),
        ("  merged, in a context or a series", lambda run: run["merged"], ""),
        ("  a second, until acknowledged", lambda run: round(run["records"] / run["delivered_s"]), ""),
        ("time of one push, p50", lambda run: run["push_ns"]["p50"], " ns"),
        ("                  p99", lambda run: run["push_ns"]["p99"], " ns"),
        ("                  p99.9", lambda run: run["push_ns"]["p99.9"], " ns"),
        ("  of which reading the clock takes", lambda run: run["push_ns"]["clock"], " ns"),
        ("bytes on the wire, per record to Mona", bytes_to("Mona"), ""),
        ("                   per value to Monasca", bytes_to("Monasca"), ""),
    ]
    for name, value_of, unit in rows:
        values = [value_of(run) for run in runs]
        texts = [v if isinstance(v, str) else figure(v, unit) for v in values]
        print(f"{name:<40}" + "".join(f"{text:>18}" for text in texts))


def added_up(runs, index):
    """Rows of one destination; those that both examples have are sums."""
    rows = {}
    for run in runs:
        for row in run["destinations"][index]["rows"]:
            sums = rows.setdefault(row["what"], dict.fromkeys(COUNTS))
            for place in COUNTS:
                if row[place] is not None:
                    sums[place] = (sums[place] or 0) + row[place]
    return rows


def differs(row):
    return len({count for count in row.values() if count is not None}) > 1


def main():
    runs = []
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            runs.append(json.load(file))
    side_by_side(runs)
    print("(one push in seven is timed, by the thread that makes it)\n")

    names = [d["name"] for d in runs[0]["destinations"]]
    exact = {name: all(run["destinations"][i]["exact"] for run in runs) for i, name in enumerate(names)}
    for i, name in enumerate(names):
        head = ("application", "exporter", "sink stored") if i == 0 else ("", "", "")
        print((f"{'to ' + name:<24}" + "".join(f"{text:>17}" for text in head)).rstrip())
        for what, row in added_up(runs, i).items():
            if what in SHOWN or differs(row):
                counts = "".join(f"{figure(row[place]):>17}" for place in COUNTS)
                print(f"  {what:<22}{counts}{'  <- differ' if differs(row) else ''}".rstrip())
    print()
    for name in names:
        print(f"ledger: {'exact' if exact[name] else 'NOT exact'} ({name})")
    return 0 if all(exact.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
