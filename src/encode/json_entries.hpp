#pragma once

// Where the objects of a JSON array lie that we wrote ourselves, so that it can be cut (delivery.md
// D-3.6).

#include <cstddef>
#include <string_view>
#include <vector>

namespace monarc::encode {

// `array`: its objects, with or without the `[` in front, and what stands behind its `]`.
// Returns: where each object begins, and where the `]` stands; without it only the former.
std::vector<std::size_t> entries_of(std::string_view array);

} // namespace monarc::encode
