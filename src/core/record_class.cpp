#include "core/record_class.hpp"

#include "core/context_entry.hpp"
#include "core/fields.hpp"

namespace monarc {
namespace {

key_number class_of_shape(std::uint32_t class_shape) {
    return class_shape != 0 ? shape_of_number(class_shape).class_name : key_without_room;
}

} // namespace

key_number class_of(const record_view& record) {
    if (record.context != nullptr) {
        return record.context->class_name;
    }
    if (record.class_name() != key_without_room) {
        return record.class_name();
    }
    switch (record.shape) {
    case detail::record_shape:
        return class_of_shape(load_unaligned<std::uint32_t>(record.body.data()));
    case detail::json_shape: return class_of_shape(record.json->class_shape);
    default: return class_of_shape(record.shape);
    }
}

} // namespace monarc
