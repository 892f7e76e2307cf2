#include <monarc/stats.hpp>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cctype>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>

using namespace monarc;
using namespace std::string_literals;

namespace {

// Reads JSON strictly enough for this: objects, lists, texts, whole numbers. Values by their path.
class json_reader {
public:
    explicit json_reader(std::string_view text) : rest_(text) {
        value("");
        CHECK(rest_.empty());
    }
    std::map<std::string, std::string> values;

private:
    bool take(char c) {
        const bool is_next = rest_.starts_with(c);
        rest_.remove_prefix(is_next ? 1 : 0);
        return is_next;
    }
    std::string text() {
        REQUIRE(take('"'));
        std::string out;
        while (!rest_.empty() && rest_[0] != '"') {
            REQUIRE(static_cast<unsigned char>(rest_[0]) >= 0x20);
            if (take('\\')) {
                REQUIRE(!rest_.empty());
                const auto c = rest_[0];
                rest_.remove_prefix(1);
                if (c == 'u') {
                    REQUIRE(rest_.size() >= 4);
                    out +=
                        static_cast<char>(std::stoi(std::string(rest_.substr(0, 4)), nullptr, 16));
                    rest_.remove_prefix(4);
                } else {
                    REQUIRE((c == '"' || c == '\\' || c == 'n'));
                    out += c == 'n' ? '\n' : c;
                }
            } else {
                out += rest_[0];
                rest_.remove_prefix(1);
            }
        }
        REQUIRE(take('"'));
        return out;
    }
    void value(const std::string& path) {
        if (take('{')) {
            std::set<std::string> keys;
            do {
                const auto key = text();
                CHECK(keys.insert(key).second);
                REQUIRE(take(':'));
                value(path + '/' + key);
            } while (take(','));
            REQUIRE(take('}'));
        } else if (take('[')) {
            for (int i = 0; !rest_.starts_with(']'); ++i) {
                REQUIRE((i == 0 || take(',')));
                value(fmt::format("{}/{}", path, i));
            }
            REQUIRE(take(']'));
        } else if (rest_.starts_with('"')) {
            values[path] = text();
        } else {
            const bool is_null = rest_.starts_with("null");
            const auto end = is_null ? 4 : rest_.find_first_not_of("-0123456789");
            REQUIRE(end > 0);
            values[path] = rest_.substr(0, end);
            rest_.remove_prefix(end);
        }
    }

    std::string_view rest_;
};

// The samples of a scrape by name and labels; checks what the format asks of each line.
std::map<std::string, std::uint64_t> scrape(const std::string& text) {
    std::map<std::string, std::uint64_t> samples;
    std::set<std::string> families;
    std::string family;
    std::string_view rest = text;
    bool has_help = false;
    while (!rest.empty()) {
        const auto end = rest.find('\n');
        REQUIRE(end != rest.npos); // also the last line ends
        const auto line = rest.substr(0, end);
        rest.remove_prefix(end + 1);
        if (line.starts_with("# HELP ")) {
            family = line.substr(7, line.find(' ', 7) - 7);
            CHECK(families.insert(family).second);
            has_help = true;
        } else if (line.starts_with("# TYPE ")) {
            CHECK(has_help);
            const bool is_counter = family.ends_with("_total");
            CHECK(line == fmt::format("# TYPE {} {}", family, is_counter ? "counter" : "gauge"));
        } else {
            const auto space = line.rfind(' ');
            const std::string name(line.substr(0, space));
            CHECK(name.substr(0, name.find('{')) == family);
            const std::string value(line.substr(space + 1)); // a negative one wraps around
            CHECK(samples.emplace(name, std::stoull(value)).second);
        }
    }
    return samples;
}

exporter_stats sample() {
    exporter_stats s;
    s.pushed = 1007;
    s.accepted = 1000;
    s.rejected[reason::queue_full] = 3;
    s.rejected[reason::closed] = 4;
    s.live_contexts = 12;
    s.memory_bytes = std::numeric_limits<std::uint64_t>::max();
    destination_stats d;
    d.name = "mona";
    d.accepted = 1000;
    d.delivered = 900;
    d.dropped[reason::memory] = 30;
    d.dropped_bytes[reason::memory] = 3000;
    d.dead[reason::attempts] = 20;
    d.filtered[reason::empty] = 50;
    d.wire_bytes = 77;
    d.tls_peer_days = -3;
    d.state = health::degraded;
    d.last_error = "tcp://[::1]:24224: connect: refused";
    s.destinations.push_back(d);
    return s;
}

} // namespace

TEST_SUITE("core/stats_text") {
TEST_CASE("JSON has every number under its member's name") {
    const auto values = json_reader(to_json(sample())).values;

    CHECK(values.at("/pushed") == "1007");
    CHECK(values.at("/rejected/total") == "7");
    CHECK(values.at("/rejected/queue_full") == "3");
    CHECK(values.at("/rejected/oversize") == "0");
    CHECK(values.count("/rejected/memory") == 0);
    CHECK(values.at("/memory_bytes") == "18446744073709551615");
    CHECK(values.at("/destinations/0/name") == "mona");
    CHECK(values.at("/destinations/0/dropped/memory") == "30");
    CHECK(values.at("/destinations/0/dropped_bytes/memory") == "3000");
    CHECK(values.at("/destinations/0/filtered/empty") == "50");
    CHECK(values.at("/destinations/0/dead/total") == "20");
    CHECK(values.at("/destinations/0/tls_peer_days") == "-3");
    CHECK(values.at("/destinations/0/tls_own_days") == "null");
    CHECK(values.at("/destinations/0/state") == "degraded");
    CHECK(values.at("/destinations/0/last_error") == "tcp://[::1]:24224: connect: refused");
}

TEST_CASE("JSON without and with several destinations") {
    exporter_stats s;
    CHECK(json_reader(to_json(s)).values.at("/pushed") == "0");

    s = sample();
    s.destinations.push_back(s.destinations[0]);
    s.destinations[1].name = "monasca";
    CHECK(json_reader(to_json(s)).values.at("/destinations/1/name") == "monasca");
}

TEST_CASE("JSON is valid whatever bytes a peer put into last_error") {
    auto s = sample();
    std::string all;
    for (int i = 0; i < 256; ++i) {
        all += static_cast<char>(i);
    }
    s.destinations[0].last_error = all;
    const auto text = json_reader(to_json(s)).values.at("/destinations/0/last_error");

    CHECK(text.substr(0, 128) == all.substr(0, 128));
    CHECK(text.substr(128, 3) == "\xef\xbf\xbd");
    CHECK(text.size() == 128 + 3 * 128);
}

TEST_CASE("Prometheus reads families with help and type, counters with _total") {
    const auto samples = scrape(to_prometheus(sample()));

    CHECK(samples.at("monarc_pushed_total") == 1007);
    CHECK(samples.at("monarc_live_contexts") == 12);
    CHECK(samples.at("monarc_memory_bytes") == std::numeric_limits<std::uint64_t>::max());
    CHECK(samples.at("monarc_rejected_total{reason=\"queue_full\"}") == 3);
    CHECK(samples.at("monarc_rejected_total{reason=\"oversize\"}") == 0);
    CHECK(samples.at("monarc_destination_delivered_total{destination=\"mona\"}") == 900);
    CHECK(
        samples.at("monarc_destination_dropped_total{destination=\"mona\",reason=\"memory\"}") ==
        30);
    CHECK(samples.at("monarc_destination_wire_bytes_total{destination=\"mona\"}") == 77);
    CHECK(
        samples.at("monarc_destination_tls_peer_days{destination=\"mona\"}") == std::uint64_t(-3));
    CHECK(samples.count("monarc_destination_tls_own_days{destination=\"mona\"}") == 0);
    CHECK(samples.at("monarc_destination_pending{destination=\"mona\"}") == 0);
    CHECK(samples.at("monarc_destination_state{destination=\"mona\",state=\"degraded\"}") == 1);
    CHECK(samples.at("monarc_destination_state{destination=\"mona\",state=\"ok\"}") == 0);
    CHECK(samples.at("monarc_destination_state{destination=\"mona\",state=\"down\"}") == 0);
    CHECK(to_prometheus(sample()).find("refused\"") == std::string::npos);
}

TEST_CASE("Prometheus has the samples of all destinations of a family side by side") {
    auto s = sample();
    s.destinations.push_back(s.destinations[0]);
    s.destinations[1].name = "monasca";
    s.destinations[1].delivered = 5;

    const auto samples = scrape(to_prometheus(s));

    CHECK(samples.at("monarc_destination_delivered_total{destination=\"mona\"}") == 900);
    CHECK(samples.at("monarc_destination_delivered_total{destination=\"monasca\"}") == 5);
}

TEST_CASE("Prometheus' labels are escaped; without a destination there are no empty families") {
    auto s = sample();
    s.destinations[0].name = "a\"b\\c\nd\xff";
    const auto samples = scrape(to_prometheus(s));
    CHECK(
        samples.count("monarc_destination_pending{destination=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\"}") ==
        1);

    CHECK(to_prometheus({}).find("monarc_destination") == std::string::npos);
}

TEST_CASE("a reason that is none of its kind is shown when it counts") {
    auto s = sample();
    s.destinations[0].dropped[reason::too_large] = 2;

    CHECK(json_reader(to_json(s)).values.at("/destinations/0/dropped/too_large") == "2");
}
}
