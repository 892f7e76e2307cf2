#pragma once

// One run of a command: its arguments, the client it asks with, what it prints.

#include "monasca/arguments.hpp"
#include "monasca/json_shape.hpp"
#include "monasca/key_values.hpp"
#include "monasca/text_table.hpp"

#include <monarc/monasca_client.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace monarc::tool {

enum class output_format { table, value, json, csv, yaml };

// A column of a list: what stands under `head` for an element; `key` is the member that `cell`
// gets, null if the element has none.
struct column {
    std::string_view head;
    std::string_view key;
    std::string (*cell)(const json_value* held, const json_value& element);
};

// A member of a single element that does not stand there as a plain value.
struct member_format {
    std::string_view key;
    std::string (*cell)(const json_value& held);
};

class session {
public:
    using client_maker = std::function<monasca::client_options(const arguments&)>;

    session(const arguments& given, client_maker make) : given_(given), make_(std::move(make)) {}

    const arguments& given() const noexcept { return given_; }
    output_format format() const noexcept { return format_; }
    void set_format(output_format format) noexcept { format_ = format; }

    // --- what is asked; throws failure
    std::string text(std::string_view key) const; // empty: not given
    bool is_given(std::string_view key) const { return given_.find(key) != nullptr; }
    monasca::ordered_pairs query() const;

    // Says it on standard output and ends the command with exit code 0, or 1 with --strict.
    struct soft_end {};
    [[noreturn]] void refuse_softly(std::string_view why);
    void require_severity();
    void require_state();
    void require_enabled();
    void require_sort_by(std::span<const std::string_view> fields, bool ignores_case);

    // --- asking; throws failure
    monasca::reply ask(monasca::call what);
    monasca::answer<monasca::reply> try_to_ask(monasca::call what);
    json_document read(const monasca::reply& said) const;

    // --- printing
    void print(std::string_view text) { out_ += text; }
    void print_line(std::string_view text);
    void warn(std::string_view text); // on standard error
    void list(monasca::call what, std::span<const column> columns);
    void show(monasca::call what, std::span<const member_format> formats);
    void print_created(const monasca::reply& said);
    void print_table(const text_table& table, const json_value& source);
    // The elements of all pages that are wanted.
    std::vector<json_document> pages(monasca::call what);
    static const json_value& elements_of(const json_document& page);
    // In any format but table and value; otherwise false.
    bool print_elements(const std::vector<json_document>& pages);

    const std::string& out() const noexcept { return out_; }
    std::string take_out() { return std::exchange(out_, {}); }
    int code() const noexcept { return code_; }

private:
    bool must_be_right(std::string_view key) const;

    const arguments& given_;
    client_maker make_;
    std::optional<monasca::client> client_;
    output_format format_ = output_format::table;
    std::string out_;
    int code_ = 0;
};

// Cells.
std::string plain(const json_value* held, const json_value& element);
std::string dict(const json_value* held, const json_value& element);
std::string json_cell(const json_value& held);
// Of alarms and their history.
std::string metric_names(const json_value* held, const json_value& element);
std::string metric_dimensions(const json_value* held, const json_value& element);

// How an error is told: section 5.4.
std::string told(const monasca::error& why);

// Builds a JSON object.
class body {
public:
    body& add(std::string_view key, std::string_view text);
    body& add_json(std::string_view key, std::string_view json);
    body& add_list(std::string_view key, const std::vector<std::string>& texts);
    std::string json() const { return text_ + "}"; }

private:
    void put_key(std::string_view key);
    std::string text_ = "{";
};

} // namespace monarc::tool
