#pragma once

// The command line of `monarc send`.

#include "send/destination_options.hpp"
#include "send/time_column.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace monarc::tool {

enum class format { automatic, ndjson, csv };

struct send_arguments {
    std::string file;
    std::string shown_file; // in messages
    send::destination_arguments destination{};

    std::string class_name;
    std::string id;
    std::string id_prefix;

    std::string metric;
    std::string metric_column;
    std::string value;
    std::vector<std::string> dimensions;

    std::string time;
    send::time_form form = send::time_form::automatic;

    format how = format::automatic;
    std::string delimiter = ",";
    std::vector<std::string> text_columns;
    bool is_all_text = false;

    std::uint64_t skip_lines = 0;
    std::optional<std::uint64_t> limit;
    std::uint64_t max_bad = std::numeric_limits<std::uint64_t>::max();
    double give_up_seconds = 300;
    bool is_dry_run = false;
    bool is_quiet = false;
    bool json = false;
};

// `command` fills `a` when it is parsed.
void add_arguments(CLI::App& command, send_arguments& a);

bool is_csv(const send_arguments& a);

// What CLI11 cannot say: which belong together. Empty: nothing is wrong.
std::string why_not(const send_arguments& a);

} // namespace monarc::tool
