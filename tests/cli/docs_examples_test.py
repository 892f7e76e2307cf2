"""The programs of docs/examples do what README and docs say; they are the ones that show pieces of them.

Usage: docs_examples_test.py MONARC FOLDER, the one with the programs
"""

import os
import subprocess
import sys
import tempfile

from sink_process import SLOWER, Checks, Sink

MONARC, FOLDER = sys.argv[1:3]


def run(name, folder=".", **variables):
    """Exit code and all that the program printed."""
    # The tests' own variables would be taken for options.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MONARC_")}
    done = subprocess.run(
        [os.path.join(FOLDER, name)], cwd=folder, env=dict(environment, **variables), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60 * SLOWER)
    return done.returncode, done.stdout


def series_and_derived_metrics_reach_monasca(checks):
    with Sink(MONARC, "--monasca-port", 0) as sink:
        monasca = sink.process.stdout.readline().rstrip().rsplit(":", 1)[1]
        code, printed = run(
            "series", MONARC_MONA__KIND="forward", MONARC_MONA__PORT=str(sink.port),
            MONARC_MONASCA__URL="http://127.0.0.1:%s/v2.0" % monasca, MONARC_MONASCA__TOKEN="t")
        summary = sink.stop()

    checks.check("it ends well", code == 0, printed)
    metrics = summary["monasca"]["metrics"]
    checks.check("a counter", metrics.get("orders.count", {}).get("sum") == 1, metrics)
    checks.check("a timer", metrics.get("orders.latency.count", {}).get("sum") == 1, metrics)
    checks.check("a percentile", "orders.latency.p99" in metrics, metrics)
    checks.check("a field of a context", metrics.get("orders.fill.price", {}).get("sum") == 1.0871, metrics)
    checks.check("the context itself", summary["classes"]["fill"]["contexts"] == 1, summary["classes"])


def a_file_and_the_environment_say_where_to(checks):
    with Sink(MONARC) as sink, tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "orders.toml"), "w", encoding="utf-8") as file:
            file.write('[mona]\nkind = "forward"\nport = 1\n')
        code, printed = run("load_options", folder, MONARC_MONA__PORT=str(sink.port))
        summary = sink.stop()

    checks.check("it ends well", code == 0, printed)
    checks.check("the record is there", summary["totals"]["records"] == 1, summary)


def what_is_wrong_in_a_file_is_said_as_docs_configuration_shows_it(checks):
    lines = {
        "orders.toml:7: batch.max_delya is not an option; did you mean batch.max_delay?":
            "\n" * 5 + "[batch]\nmax_delya = 1\n",
        "orders.toml:9: batch.max_records must be 1..1000, got 0":
            "\n" * 7 + "[batch]\nmax_records = 0\n",
    }
    for line, text in lines.items():
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "orders.toml"), "w", encoding="utf-8") as file:
                file.write(text)
            code, printed = run("load_options", folder)
        checks.check(line, code == 2 and line in printed, printed)


def a_test_may_have_its_sink_inside(checks):
    code, printed = run("sink_in_a_test")
    checks.check("it passes", code == 0 and "1 passed" in printed, printed)


def a_service_that_used_mona_client_sends_the_same(checks):
    with Sink(MONARC) as sink:
        code, printed = run("mona_client", MONA_HOST="127.0.0.1", MONA_PORT=str(sink.port), MONA_USE_SSL="false")
        summary = sink.stop()

    checks.check("it ends well", code == 0, printed)
    checks.check("its context", summary["classes"].get("LOAN", {}).get("contexts") == 1, summary["classes"])


def a_service_that_used_mona_sdk_sends_the_same(checks):
    with Sink(MONARC, "--rest-port", 0, "--rest-secret", "s", "--rest-tenant", "me") as sink:
        port = sink.process.stdout.readline().rstrip().rsplit(":", 1)[1]
        code, printed = run(
            "mona_sdk", MONA_SDK_API_KEY="k", MONA_SDK_SECRET="s", MONA_SDK_SHOULD_USE_SSL="false",
            MONA_SDK_OVERRIDE_REST_API_HOST="127.0.0.1:" + port,
            MONA_SDK_AUTH_API_TOKEN_URL="http://127.0.0.1:%s/identity/resources/auth/v1/api-token" % port)
        summary = sink.stop()

    checks.check("it ends well", code == 0 and printed == "4 records delivered\n", printed)
    checks.check("its contexts", summary["classes"].get("LOAN", {}).get("contexts") == 3, summary["classes"])
    checks.check("no violation", summary["rest"]["violations"] == 0, summary["rest"])
    code, printed = run("mona_sdk", MONA_SDK_API_KEY="k")
    checks.check("it says what is wrong", code == 2 and "secret" in printed, printed)


def the_client_of_monasca_sends_and_lists(checks):
    with Sink(MONARC, "--monasca-port", 0) as sink:
        port = sink.process.stdout.readline().rstrip().rsplit(":", 1)[1]
        code, printed = run("monasca_client", OS_TOKEN="t", MONASCA_API_URL="http://127.0.0.1:%s/v2.0" % port)
        code_of_other, lists = run("monasca_coroutine", OS_TOKEN="t", MONASCA_API_URL="http://127.0.0.1:%s/v2.0" % port)
        summary = sink.stop()

    checks.check("it ends well", code == 0, printed)
    checks.check("a coroutine lists the same", code_of_other == 0 and sorted(lists.splitlines()) == [
        "1 names of dimensions", "1 of cpu.load, 1 names"], lists)
    checks.check("it lists what it sent", "cpu.load" in printed and "web-1" in printed, printed)
    checks.check("the metric is there", summary["monasca"]["metrics"].get("cpu.load", {}).get("sum") == 0.7, summary)
    code, printed = run("monasca_client", OS_TOKEN="t", MONASCA_API_URL="http://127.0.0.1:1/v2.0")
    checks.check("it says what is wrong", code == 1 and "127.0.0.1:1" in printed, printed)


if __name__ == "__main__":
    sys.exit(Checks().run(
        series_and_derived_metrics_reach_monasca,
        a_file_and_the_environment_say_where_to,
        what_is_wrong_in_a_file_is_said_as_docs_configuration_shows_it,
        a_test_may_have_its_sink_inside,
        a_service_that_used_mona_client_sends_the_same,
        a_service_that_used_mona_sdk_sends_the_same,
        the_client_of_monasca_sends_and_lists,
    ))
