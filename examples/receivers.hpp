#pragma once

// Both destinations of an example, each played by a sink of its own, so that one can be killed
// without the other.

#include "arguments.hpp"
#include "sink_process.hpp"

#include <monarc/options.hpp>

#include <cstdint>
#include <string>

namespace example {

class receivers {
public:
    // `lose`: the number of the record that Mona's sink loses if a.must_break.
    receivers(const arguments& a, std::uint64_t lose);

    // Returns: false if one does not listen, with the reason on standard error.
    bool start();

    // Kills Mona's sink with SIGKILL and starts it again on the same port and store.
    bool restart_mona();

    // For an exporter that ships to both.
    monarc::exporter_options options(std::string user_id) const;

    struct summaries {
        sink_summary mona, monasca;
    };
    summaries stop();

private:
    sink_process mona_;
    sink_process monasca_;
};

} // namespace example
