#pragma once

// Numeric fields of chosen classes as values of series (exporter_options::derive): the metric is
// `<prefix>.<class>.<field>`, its dimensions are chosen text fields of the same record.
//
// Threads: one.

#include "aggregate/series_table.hpp"
#include "core/names.hpp"
#include "core/record_view.hpp"

#include <monarc/options.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace monarc::aggregate {

class deriver {
public:
    // `added`: dimensions that every series has.
    deriver(const std::vector<derived_series>& rules, monasca_rules::text_pairs added);

    bool is_empty() const noexcept { return rules_.empty(); }
    // Whether some rule wants records of this class.
    bool wants(key_number class_name) const noexcept;

    // What one record gives, by one rule after the other; a record counts once, with the first.
    struct derived {
        std::shared_ptr<series_definition> to;
        series_values values;
    };
    // Valid until the next call.
    const std::vector<derived>& derive(key_number class_name, const record_view& record);

    // Forgets definitions that nothing is collected for any more.
    void forget_unused();

    std::uint64_t repaired() const noexcept { return repaired_; } // dimension values (D-4.2)
    // Values of dimensions that Monasca would refuse whole: empty ones, too long ones.
    std::uint64_t left_out() const noexcept { return left_out_; }

private:
    struct rule {
        key_number class_name;
        std::vector<key_number> fields;
        std::vector<key_number> dimensions;
        std::vector<std::string> names; // of the metrics, one for each field
        std::vector<std::string> dimension_keys;
        series_kind kind;
        // By the values of the dimensions. What collects values for one keeps it.
        boost::unordered_flat_map<std::string, std::weak_ptr<series_definition>> known;
        std::size_t look_at; // so many known: time to forget what is not in use
    };

    static std::size_t bytes_of(const series_definition& one, std::size_t key_bytes);
    static void forget_unused(rule& of);
    std::shared_ptr<series_definition> define(const rule& of, std::size_t key_bytes) const;
    bool apply(rule& of, const record_view& record, derived& out);

    std::vector<rule> rules_;
    monasca_rules::text_pairs added_;
    std::vector<derived> derived_;
    std::vector<std::string> dimension_values_;
    std::uint64_t repaired_ = 0;
    std::uint64_t left_out_ = 0;
};

// The name of a derived metric.
std::string derived_name(const derived_series& rule, const std::string& field);

// Adds what is not there yet, and sorts by key.
void add_dimensions(monasca_rules::text_pairs& to, const monasca_rules::text_pairs& added);

} // namespace monarc::aggregate
