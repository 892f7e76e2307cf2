#pragma once

// Who was asked, what was said, and how long it took: for --verbose, --debug, --log-file, --timing.

#include "monasca/credentials.hpp"
#include "monasca/text_table.hpp"

#include <monarc/monasca_client.hpp>

namespace monarc::tool {

class traffic_log {
public:
    // Fails: throws failure if the file cannot be opened.
    traffic_log(const settings& s, int times_verbose);
    ~traffic_log();
    traffic_log(const traffic_log&) = delete;
    traffic_log& operator=(const traffic_log&) = delete;

    void say(const monasca::exchange_line& line);

    // A row for each exchange, and their sum.
    text_table timings() const;

private:
    int file_ = -1;
    bool is_told_ = false;  // on standard error
    bool is_whole_ = false; // with bodies
    text_table timings_{{"URL", "Seconds"}};
    double total_ = 0;
};

} // namespace monarc::tool
