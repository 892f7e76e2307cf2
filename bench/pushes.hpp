#pragma once

// The pushes under test, each in a function of its own at the start of a cache line, because layout
// alone moves such figures by a fifth.

#include "baseline.hpp"

#include <monarc/monarc.hpp>

#include <string_view>

namespace monarc::bench {

struct push_subject {
    exporter& through;
    context handle;
    series values;
    std::string_view id;    // 36 bytes
    std::string_view venue; // 12 bytes
    std::string_view json;  // the four numbers and more, as an object
};

using push_function = void (*)(push_subject&, const four_numbers&) noexcept;

// round_pushes of them.
void push_handle_round(push_subject& to, const four_numbers& v) noexcept;
void push_id_round(push_subject& to, const four_numbers& v) noexcept;
void push_series_round(push_subject& to, const four_numbers& v) noexcept;
void push_current_round(
    push_subject& to, const four_numbers& v) noexcept;                  // to the thread's context
void push_json_round(push_subject& to, const four_numbers& v) noexcept; // no hot-path call

// The same two, and others beside them, inlined into one function.
void push_handle_round_in_large(push_subject& to, const four_numbers& v) noexcept;
void push_id_round_in_large(push_subject& to, const four_numbers& v) noexcept;

// One.
void push_handle(push_subject& to, const four_numbers& v) noexcept;
void push_id(push_subject& to, const four_numbers& v) noexcept;

} // namespace monarc::bench
