#pragma once

// `monarc sink` as a child process: started, killed, started again, asked what it has.

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>

namespace example {

// What the sink says it has stored; docs/sink.md explains the summary.
struct sink_summary {
    bool is_valid = false;
    std::uint64_t events = 0, repeats = 0, records = 0, fields = 0, class_messages = 0,
                  contexts = 0;
    std::uint64_t sum_count = 0, sum = 0, sum_min = 0, sum_max = 0, sum_xor = 0;

    // Of its Monasca: measurements without repeats, and the sum of each metric's values.
    std::uint64_t measurements = 0, violations = 0;
    std::map<std::string, double> metric_sums;
    std::uint64_t sum_of(const std::string& metric) const {
        const auto found = metric_sums.find(metric);
        return found != metric_sums.end() ? static_cast<std::uint64_t>(found->second) : 0;
    }
};

struct sink_options {
    std::string store{};     // where the events go; empty: nowhere
    std::uint64_t lose = 0;  // the number of a record that it is to lose; 0: none
    bool is_monasca = false; // it plays that part as well
};

class sink_process {
public:
    // `command` is the program monarc.
    sink_process(std::string command, sink_options options);
    ~sink_process();
    sink_process(const sink_process&) = delete;
    sink_process& operator=(const sink_process&) = delete;

    // Waits until it listens. Returns: false if it does not, with the reason on standard error.
    bool start();
    void kill();
    sink_summary stop();
    std::uint16_t port() const { return port_; }
    std::uint16_t monasca_port() const { return monasca_port_; }

private:
    std::string read_line();
    std::uint16_t read_port();

    std::string command_;
    sink_options options_;
    std::uint16_t port_ = 0; // any at first, the same again after that
    std::uint16_t monasca_port_ = 0;
    pid_t pid_ = -1;
    int output_ = -1;
};

} // namespace example
