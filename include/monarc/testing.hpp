#pragma once

/// A sink inside a test: what an exporter delivers to it can be looked at. In the library
/// monarc_testing; docs/testing.md shows a whole test.

#include <monarc/api.hpp>
#include <monarc/metric.hpp>
#include <monarc/options.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::testing {

/// Names, and values as JSON texts without white space: `33`, `1.0`, `"fx"`, `null`, `{"a":[1]}`.
using json_fields = std::map<std::string, std::string, std::less<>>;

/// One record as it arrived; pushes that the exporter merged are one.
struct received_record {
    std::chrono::system_clock::time_point time{}; ///< of its first push, in whole seconds
    json_fields fields{};
};

/// What has arrived of one run: a copy, that what arrives later does not change.
struct received_context {
    std::vector<received_record> records{}; ///< in the order of arrival; empty: nothing has arrived

    /// Returns: the value that arrived last, as a JSON text. Empty: no record had this field; one
    ///          that was pushed as nullptr or as an empty optional is `null`.
    MONARC_API std::string field(std::string_view name) const;

    /// All of them; of one that came several times, the value that arrived last.
    MONARC_API json_fields fields() const;
};

/// One measurement as Monasca would keep it.
struct received_measurement {
    std::chrono::system_clock::time_point time{}; ///< in whole milliseconds
    double value = 0;
    std::map<std::string, std::string> dimensions{};
    std::string value_meta{}; ///< a JSON object; empty if there was none
};

/// A forward receiver and a Monasca on loopback ports of their own. Keeps all that arrives, each
/// event once, however often it is sent again.
///
/// Threads: any thread may call any member; the destructor must be the last call.
/// Owns:    two threads, two ports and their connections; all end with it.
class MONARC_API sink {
public:
    /// Listens before it returns.
    /// Fails:   throws std::runtime_error whose what() says what the system refused.
    sink();
    ~sink();
    sink(const sink&) = delete;
    sink& operator=(const sink&) = delete;

    /// For an exporter that delivers here, contexts and series, and does not dally: a batch waits
    /// 5 ms, an interval of series is 1 s or ends with a flush, a retry comes within 0.1 s, a
    /// missing answer is noticed after 1 s. Series get no dimensions beyond their own. Change in it
    /// what the test is about.
    exporter_options options() const;

    std::uint16_t port() const noexcept; ///< of the forward receiver
    std::string monasca_url() const;     ///< with its version

    /// What has arrived of a run. As everywhere behind the exporter, an id tells a run and the
    /// class is what was told of it last: do not use one id in two classes.
    received_context context(std::string_view class_name, std::string_view id) const;

    /// The runs of a class of which something has arrived, in that order.
    std::vector<std::string> ids(std::string_view class_name) const;

    std::uint64_t contexts(std::string_view class_name) const; ///< how many runs that are
    std::uint64_t records() const;                             ///< of all runs

    /// The measurements of all series of this name that have these dimensions, and maybe others;
    /// by series, then by time. Of one series and millisecond the last counts, as in Monasca.
    std::vector<received_measurement>
    measurements(std::string_view name, const dimensions& among = {}) const;

    /// Waits for so many records.
    /// Returns: false if the time is over before.
    bool wait_for_records(std::uint64_t count, std::chrono::milliseconds timeout) const;

    /// Waits until `holds` returns true; it is asked now and after each arrival, on this thread,
    /// and may call the sink. Returns: false if the time is over before.
    bool wait_until(const std::function<bool()>& holds, std::chrono::milliseconds timeout) const;

    /// Closes all connections and refuses new ones, as a receiver that is down. The ports stay
    /// reserved and what has arrived stays known.
    void stop();

    /// Listens again on the same ports. Fails: as the constructor.
    void restart();

    /// Off: takes everything and answers nothing, so that no delivery is confirmed.
    void set_answering(bool on) noexcept;

private:
    struct state;

    state* state_;
};

} // namespace monarc::testing
