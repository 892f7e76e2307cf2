#pragma once

// The way into an exporter for what stands beside it.

#include <monarc/exporter.hpp>

namespace monarc::pipeline {
class io_loop;
}

namespace monarc::detail {

struct exporter_access {
    static gate* gate_of(const exporter& e) noexcept;
    // Null: closed before it began.
    static pipeline::io_loop* loop_of(const exporter& e) noexcept;
};

} // namespace monarc::detail
