#include "monarc/send_arguments.hpp"

#include "core/monasca_rules.hpp"
#include "monarc/argument_checks.hpp"

#include <monarc/detail/shape.hpp>
#include <monarc/detail/slot.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <strings.h>

#include <string_view>

namespace monarc::tool {
namespace {

constexpr std::string_view footer = R"(
With --class each line is a record of a context for Mona: the class, an id (--id COLUMN, else
--id-prefix and the number of the line), and all members or cells as fields. With --metric or
--metric-column and --value each line is a measurement for Monasca. Nothing is dropped because the
receiver is slow or away: reading waits for it.

NDJSON: an object a line; a column a.b is the member b of the member a. CSV: a header row, RFC 4180.
A cell that JSON would take for a number, true or false is one; an empty cell is left out; all else,
and the columns of --text, is text. Times: seconds or milliseconds since 1970, or ISO 8601.

A bad line is left out, counted and named with its number. Ctrl-C stops reading, waits for what was
read, and says with which --skip-lines to go on; a second one stops at once.

Exit codes: 0 all was delivered; 1 something was not, or could not be read or written; 2 wrong
arguments or options, or a column that the CSV header lacks; 3 all but bad lines was delivered;
130 stopped by Ctrl-C; 143 by SIGTERM. The ledger goes to stdout, everything else to stderr.

Examples:
  monarc send loans.ndjson --class loan --id loan_id --time decided_at
  monarc send prices.csv --class bar --text symbol --mona collector.internal:24224
  tail -f app.ndjson | monarc send - --class request --id request.id
  monarc send load.csv --metric load --value percent --dimension host --time at
          --monasca http://mon.example:8070/v2.0 --token env:OS_TOKEN
  monarc send loans.ndjson --class loan --dry-run
)";

void add_what(CLI::App& command, send_arguments& a) {
    command.add_option("FILE", a.file, "File to send; - is the standard input")->required();
    command.add_option("--class", a.class_name, "For Mona: the class of the contexts")
        ->type_name("NAME");
    command.add_option("--id", a.id, "Column with the context's id")->type_name("COLUMN");
    command
        .add_option(
            "--id-prefix",
            a.id_prefix,
            "Without --id the id is this and the number of the line; else random")
        ->type_name("TEXT");
    auto* metric = command.add_option("--metric", a.metric, "For Monasca: the name of the metric")
                       ->type_name("NAME");
    command.add_option("--metric-column", a.metric_column, "Column with the metric's name")
        ->type_name("COLUMN")
        ->excludes(metric);
    command.add_option("--value", a.value, "Column with the measured value")->type_name("COLUMN");
    command
        .add_option(
            "--dimension", a.dimensions, "Column that becomes a dimension; may be given again")
        ->type_name("COLUMN")
        ->allow_extra_args(false);
    command.add_option("--time", a.time, "Column with the time; else it is now")
        ->type_name("COLUMN");
    command
        .add_option(
            "--time-format",
            a.form,
            "auto: numbers below 10^11 are seconds, others milliseconds, texts ISO 8601")
        ->transform(one_of<send::time_form>(
            {{"auto", send::time_form::automatic},
             {"seconds", send::time_form::seconds},
             {"milliseconds", send::time_form::milliseconds},
             {"iso8601", send::time_form::iso8601}}))
        ->type_name("auto|seconds|milliseconds|iso8601");
}

void add_format(CLI::App& command, send_arguments& a) {
    command.add_option("--format", a.how, "auto: CSV if the name ends in .csv, else NDJSON")
        ->transform(one_of<format>(
            {{"auto", format::automatic}, {"ndjson", format::ndjson}, {"csv", format::csv}}))
        ->type_name("auto|ndjson|csv");
    command.add_option("--delimiter", a.delimiter, "Between the cells of CSV: a character, or tab")
        ->type_name("CHARACTER")
        ->capture_default_str();
    command
        .add_option(
            "--text", a.text_columns, "CSV column whose cells are all text; may be given again")
        ->type_name("COLUMN")
        ->allow_extra_args(false);
    command.add_flag("--all-text", a.is_all_text, "Every cell of CSV is text");
}

void add_where(CLI::App& command, send_arguments& a) {
    auto& to = a.destination;
    command
        .add_option(
            "--mona",
            to.mona,
            "Forward receiver for --class; else the options', or 127.0.0.1:24224")
        ->type_name("HOST[:PORT]");
    command
        .add_option("--unix", to.unix_path, "Unix socket of the receiver, in the place of --mona")
        ->type_name("PATH");
    command.add_flag("--tls", to.use_tls, "Speak TLS with the receiver");
    command.add_option("--ca-file", to.ca_file, "PEM of the CA to trust; else the system's")
        ->type_name("FILE");
    command
        .add_option("--shared-key", to.shared_key, "Key of the receiver: env:NAME or file:/path")
        ->type_name("SECRET");
    command.add_option("--monasca", to.monasca, "Monasca's API for --metric, with its version")
        ->type_name("URL");
    command.add_option("--token", to.token, "Monasca's token: env:NAME or file:/path")
        ->type_name("SECRET");
    command
        .add_option(
            "--config",
            to.config,
            "File with the exporter's options; MONARC_* variables win over it, flags over both")
        ->type_name("FILE");
    command
        .add_option(
            "--set",
            to.set,
            "Any option of docs/configuration.md, e.g. retry.max_wait=2s; may be given again")
        ->type_name("OPTION=VALUE")
        ->allow_extra_args(false);
}

void add_how(CLI::App& command, send_arguments& a) {
    command.add_option("--skip-lines", a.skip_lines, "Leave out the first N lines, to go on")
        ->transform(whole_number())
        ->type_name("N");
    command.add_option("--limit", a.limit, "Send at most N records")
        ->transform(whole_number())
        ->type_name("N");
    command
        .add_option(
            "--max-bad", a.max_bad, "Stop when more than N lines are bad; 0: at the first one")
        ->transform(whole_number())
        ->type_name("N");
    command
        .add_option(
            "--give-up-after",
            a.give_up_seconds,
            "Stop when nothing was acknowledged for so long; 0: never")
        ->check(number_of_seconds())
        ->type_name("SECONDS")
        ->capture_default_str();
    command.add_flag(
        "--dry-run", a.is_dry_run, "Show the first 10 (or --limit) records as they would go out");
    command.add_flag("--quiet", a.is_quiet, "No progress, no summary");
    command.add_flag("--json", a.json, "Print the summary as one JSON object");
}

std::string why_not_together(const send_arguments& a) {
    const bool is_metric = !a.metric.empty() || !a.metric_column.empty();
    if (a.class_name.empty() == !is_metric) {
        return "say what the lines are: --class NAME for Mona, or --metric NAME (or "
               "--metric-column COLUMN) for Monasca";
    }
    if (is_metric && a.value.empty()) {
        return "--metric needs --value COLUMN";
    }
    if (!is_metric && !(a.value.empty() && a.dimensions.empty() && a.destination.monasca.empty() &&
                        a.destination.token.empty())) {
        return "--value, --dimension, --monasca and --token belong to --metric";
    }
    const auto& to = a.destination;
    if (is_metric && !(a.id.empty() && a.id_prefix.empty() && to.mona.empty() &&
                       to.unix_path.empty() && !to.use_tls && to.shared_key.empty())) {
        return "--id, --id-prefix, --mona, --unix, --tls and --shared-key belong to --class";
    }
    if (!to.mona.empty() && !to.unix_path.empty()) {
        return "--unix takes the place of --mona; give one of them";
    }
    if (!a.id.empty() && !a.id_prefix.empty()) {
        return "--id-prefix is for lines without --id; give one of them";
    }
    if (a.time.empty() && a.form != send::time_form::automatic) {
        return "--time-format needs --time COLUMN";
    }
    return {};
}

std::string why_not_format(const send_arguments& a) {
    if (a.delimiter.size() != 1 && a.delimiter != "tab") {
        return fmt::format("--delimiter must be one character or tab, got '{}'", a.delimiter);
    }
    if (a.delimiter == "\"" || a.delimiter == "\n" || a.delimiter == "\r") {
        return "--delimiter must not be a quote or a line end";
    }
    if (!is_csv(a) && (a.delimiter != "," || a.is_all_text || !a.text_columns.empty())) {
        return "--delimiter, --text and --all-text are for CSV; if it is that, give --format csv";
    }
    return {};
}

std::string not_so_long(std::string_view flag, std::size_t bytes, std::size_t most) {
    return bytes <= most ? std::string()
                         : fmt::format("{} must have at most {} bytes, got {}", flag, most, bytes);
}

// What would make each line a bad one.
std::string why_not_names(const send_arguments& a) {
    constexpr std::size_t number_bytes = 20; // of a line, behind the prefix
    auto wrong = not_so_long("--class", a.class_name.size(), detail::max_name_bytes);
    if (wrong.empty()) {
        wrong = not_so_long("--id-prefix", a.id_prefix.size(), detail::max_id_bytes - number_bytes);
    }
    if (wrong.empty() && !a.metric.empty()) {
        wrong = monasca_rules::why_not_name(a.metric);
        wrong = wrong.empty() ? wrong : "--metric " + wrong;
    }
    for (const auto& dimension : a.dimensions) {
        if (wrong.empty()) {
            wrong = monasca_rules::why_not_dimension_key(dimension);
            wrong = wrong.empty() ? wrong : fmt::format("--dimension {} {}", dimension, wrong);
        }
    }
    return wrong;
}

} // namespace

void add_arguments(CLI::App& command, send_arguments& a) {
    command.footer(std::string(footer));
    add_what(command, a);
    add_format(command, a);
    add_where(command, a);
    add_how(command, a);
}

bool is_csv(const send_arguments& a) {
    constexpr std::size_t ending = 4; // .csv, .CSV
    const bool is_named = a.file.size() >= ending &&
                          ::strcasecmp(a.file.c_str() + a.file.size() - ending, ".csv") == 0;
    return a.how == format::csv || (a.how == format::automatic && is_named);
}

std::string why_not(const send_arguments& a) {
    for (const auto wrong : {why_not_together, why_not_format, why_not_names}) {
        if (auto text = wrong(a); !text.empty()) {
            return text;
        }
    }
    return {};
}

} // namespace monarc::tool
