#include "monarc/send_command.hpp"

#include "monarc/send_arguments.hpp"
#include "send/console.hpp"
#include "send/csv_rows.hpp"
#include "send/destination_options.hpp"
#include "send/dry_run.hpp"
#include "send/input.hpp"
#include "send/json_rows.hpp"
#include "send/line_reader.hpp"
#include "send/mona_target.hpp"
#include "send/monasca_target.hpp"
#include "send/sender.hpp"
#include "send/standard_output.hpp"
#include "send/stop_signals.hpp"
#include "send/summary.hpp"

#include <monarc/exporter.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace monarc::tool {
namespace {

constexpr std::uint64_t records_of_dry_run = 10;

// Which columns a source is to find for a target.
class column_list {
public:
    std::size_t add(const std::string& column) {
        names_.push_back(column);
        return names_.size() - 1;
    }
    std::optional<std::size_t> add_if_given(const std::string& column) {
        return column.empty() ? std::nullopt : std::optional(add(column));
    }
    const std::vector<std::string>& names() const { return names_; }

private:
    std::vector<std::string> names_;
};

std::string random_prefix() {
    std::random_device device;
    return fmt::format("{:08x}{:08x}-", device(), device());
}

int refuse(std::string_view text) {
    fmt::print(stderr, "send: {}\n", text);
    return send::exit_wrong_arguments;
}

std::unique_ptr<send::target>
make_target(const send_arguments& a, const exporter_options& options, column_list& columns) {
    if (!a.class_name.empty()) {
        const auto* const forward = std::get_if<mona_forward_options>(&options.mona);
        return std::make_unique<send::mona_target>(send::mona_columns{
            .class_name = a.class_name,
            .id = columns.add_if_given(a.id),
            .time = columns.add_if_given(a.time),
            .form = a.form,
            .id_prefix = a.id_prefix,
            .user_id = forward != nullptr ? forward->user_id : "",
            .id_name = a.id,
            .time_name = a.time});
    }
    send::monasca_columns chosen{
        .metric = a.metric,
        .metric_column = columns.add_if_given(a.metric_column),
        .value = columns.add(a.value),
        .time = columns.add_if_given(a.time),
        .form = a.form,
        .added = options.monasca->dimensions.value_or(std::map<std::string, std::string>()),
        .metric_name = a.metric_column,
        .value_name = a.value,
        .time_name = a.time};
    for (const auto& dimension : a.dimensions) {
        chosen.dimensions.emplace_back(dimension, columns.add(dimension));
    }
    return std::make_unique<send::monasca_target>(
        std::move(chosen), [] { return std::chrono::system_clock::now(); });
}

// Returns: null, and `code` is set, if the header does not fit.
std::unique_ptr<send::row_source> make_source(
    const send_arguments& a, send::line_reader& lines, const column_list& columns, int& code) {
    if (!is_csv(a)) {
        return std::make_unique<send::json_rows>(lines, columns.names(), a.skip_lines);
    }
    auto rows = std::make_unique<send::csv_rows>(
        lines,
        send::csv_options{
            .delimiter = a.delimiter == "tab" ? '\t' : a.delimiter.front(),
            .columns = columns.names(),
            .text_columns = a.text_columns,
            .is_all_text = a.is_all_text,
            .skip_lines = a.skip_lines});
    std::string why;
    switch (rows->read_header(why)) {
    case send::found::row:
    case send::found::end: return rows;
    case send::found::bad_line:
        code = refuse(fmt::format("{}: the header: {}", a.shown_file, why));
        return nullptr;
    case send::found::interrupted:
        code = send::exit_signal + send::first_stop_signal();
        return nullptr;
    case send::found::failed: break;
    }
    fmt::print(stderr, "send: read {}: {}\n", a.shown_file, why);
    code = send::exit_lost;
    return nullptr;
}

std::string resume_of(const send_arguments& a) {
    return a.class_name.empty() || !a.id.empty() ? "" : " --id-prefix " + a.id_prefix;
}

int report(const send_arguments& a, const send::summary& s) {
    const auto text = a.json ? send::to_json(s) : a.is_quiet ? std::string() : send::to_text(s);
    if (const auto ec = send::write_standard_output(text)) {
        fmt::print(
            stderr,
            "send: write the summary to stdout: {}; without it the exit code would be {}\n",
            ec.message(),
            send::exit_code(s));
        return send::exit_lost;
    }
    return send::exit_code(s);
}

int send_all(
    const send_arguments& a,
    const exporter_options& options,
    send::input& from,
    send::console& out) {
    column_list columns;
    const auto to = make_target(a, options, columns);
    send::sender* sending = nullptr; // once there is something to wait for
    send::line_reader lines([&](char* at, std::size_t bytes) -> result<std::size_t> {
        if (send::stop_signals() != 0) { // a line without an end never waits for input
            return std::make_error_code(std::errc::interrupted);
        }
        return from.read(at, bytes, [&] {
            return sending != nullptr ? sending->idle() : send::stop_signals() == 0;
        });
    });
    int code = 0;
    const auto rows = make_source(a, lines, columns, code);
    if (rows == nullptr) {
        return code;
    }
    if (a.is_dry_run) {
        return send::dry_run(
            *rows,
            *to,
            out,
            {.file = a.shown_file,
             .limit = a.limit.value_or(records_of_dry_run),
             .max_bad = a.max_bad,
             .is_quiet = a.is_quiet});
    }
    monarc::exporter exporter(options);
    send::sender sender(
        {.file = a.shown_file,
         .skip_lines = a.skip_lines,
         .limit = a.limit.value_or(std::numeric_limits<std::uint64_t>::max()),
         .max_bad = a.max_bad,
         .give_up_after =
             std::chrono::milliseconds(std::llround(std::ceil(a.give_up_seconds * 1000))),
         .close_timeout = options.close_timeout,
         .window_bytes = send::window::bytes_for(options),
         .shows_progress = !a.is_quiet,
         .bytes_read = [&] { return from.bytes_read(); },
         .bytes_total = from.size()},
        *rows,
        *to,
        exporter,
        out);
    sending = &sender;
    auto summary = sender.run();
    summary.resume = resume_of(a);
    return report(a, summary);
}

int run(send_arguments& a) {
    if (const auto wrong = why_not(a); !wrong.empty()) {
        return refuse(wrong);
    }
    a.shown_file = a.file == "-" ? "stdin" : a.file;
    if (a.id_prefix.empty()) {
        a.id_prefix = random_prefix();
    }
    send::console out;
    const auto log = [&out](const log_line& line) {
        if (line.level >= log_level::warning) {
            out.say(line.text);
        }
    };
    a.destination.is_for_mona = !a.class_name.empty();
    send::catch_stop_signals();
    try {
        const auto options = send::destination_options(a.destination, log);
        auto from = send::input::open(a.file);
        if (!from) {
            if (from.error() == std::errc::interrupted && send::stop_signals() != 0) {
                return send::exit_signal +
                       send::first_stop_signal(); // of a pipe that nobody writes to
            }
            fmt::print(stderr, "send: open {}: {}\n", a.shown_file, from.error().message());
            return send::exit_lost;
        }
        return send_all(a, options, *from, out);
    } catch (const std::system_error& error) {
        return refuse(send::text_of(error));
    }
}

} // namespace

void add_send_command(CLI::App& monarc, int& exit_code) {
    auto* command =
        monarc.add_subcommand("send", "Sends NDJSON or CSV to Mona, or to Monasca as metrics.");
    auto arguments = std::make_shared<send_arguments>(); // lives as long as the callback below
    add_arguments(*command, *arguments);
    command->callback([arguments, &exit_code] { exit_code = run(*arguments); });
}

} // namespace monarc::tool
