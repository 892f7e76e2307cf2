#pragma once

#include "core/names.hpp"
#include "core/record_view.hpp"

namespace monarc {

// The class of a record, however it came with it. The record has a shape.
key_number class_of(const record_view& record);

} // namespace monarc
