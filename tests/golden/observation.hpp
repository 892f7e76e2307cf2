#pragma once

// What a script does and what is seen of it: of the recording, and of ours.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::golden {

// One call. `said`: `return X`, `raises X`, or further members, as canonical JSON.
struct result_line {
    std::string step;
    std::string op;
    std::string said;

    friend bool operator==(const result_line&, const result_line&) = default;
};

struct said_line {
    int level = 0;
    std::string code;
    std::string field; // `context c1`, `disable_all true`, a logger; empty if there is none

    friend bool operator==(const said_line&, const said_line&) = default;
};

struct observation {
    bool has_load_error = false;
    std::string load_error; // of the recording: its kind
    std::vector<result_line> results;
    std::vector<said_line> log;
    std::vector<std::string> events; // [tag,time,record] as canonical JSON, over all connections
    std::vector<std::size_t> event_counts; // of the recording: of each connection
    bool has_foreign_bytes = false;        // a connection brought what is no message
    std::vector<std::string> bytes;        // of each connection
    std::vector<std::string> server_names;
    std::size_t failed_handshakes = 0;
    std::vector<std::string> printed; // lines on standard output
    std::vector<bool> printed_well;   // of the recording: whether they have the documented form
};

// As Python's logging counts.
int level_of(std::string_view name);

// For messages.
std::string shown(const said_line& line);
std::string abridged(std::string_view text);

} // namespace monarc::golden
