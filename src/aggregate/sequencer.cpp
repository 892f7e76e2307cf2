#include "aggregate/sequencer.hpp"

#include "core/json_block.hpp"

#include <algorithm>

namespace monarc::aggregate {

sequencer::~sequencer() {
    for (; next_ != order_.size(); ++next_) {
        take_json(view(order_[next_]));
    }
}

void sequencer::add(queued_record record) {
    const auto stamp = record.stamp();
    const auto bytes = record.bytes();
    bytes_.room_for(bytes.size()); // first what can fail
    if (order_.empty() || stamp < order_.back().stamp) {
        runs_.push_back(order_.size());
    }
    const auto view = record.view();
    order_.push_back(
        {.stamp = stamp,
         .offset = static_cast<std::uint32_t>(bytes_.size()),
         .id_hash = view.context == nullptr ? hash_of_id(view.id) : 0});
    bytes_.append(bytes);
}

// Merges neighbouring runs until one is left; a single thread costs nothing.
void sequencer::sort() {
    const auto by_stamp = [](const place& a, const place& b) { return a.stamp < b.stamp; };
    while (runs_.size() > 1) {
        spare_.resize(order_.size());
        std::vector<std::size_t> merged;
        merged.reserve((runs_.size() + 1) / 2);
        for (std::size_t i = 0; i < runs_.size(); i += 2) {
            const auto begin = order_.begin() + static_cast<std::ptrdiff_t>(runs_[i]);
            const auto middle = i + 1 < runs_.size()
                                    ? order_.begin() + static_cast<std::ptrdiff_t>(runs_[i + 1])
                                    : order_.end();
            const auto end = i + 2 < runs_.size()
                                 ? order_.begin() + static_cast<std::ptrdiff_t>(runs_[i + 2])
                                 : order_.end();
            merged.push_back(runs_[i]);
            std::merge(
                begin,
                middle,
                middle,
                end,
                spare_.begin() + static_cast<std::ptrdiff_t>(runs_[i]),
                by_stamp);
        }
        order_.swap(spare_);
        runs_.swap(merged);
    }
}

// What is left over moves to the front and is the first run of the next pass.
void sequencer::drop_taken() {
    if (next_ == 0) {
        return;
    }
    std::size_t bytes = 0;
    for (auto i = next_; i != order_.size(); ++i) {
        bytes += at(order_[i].offset).bytes().size();
    }
    spare_bytes_.clear();
    spare_bytes_.room_for(bytes); // first what can fail
    spare_.clear();
    spare_.reserve(count());
    for (; next_ != order_.size(); ++next_) {
        spare_.push_back(order_[next_]);
        spare_.back().offset = static_cast<std::uint32_t>(spare_bytes_.size());
        spare_bytes_.append(at(order_[next_].offset).bytes());
    }
    bytes_.swap(spare_bytes_);
    order_.swap(spare_);
    next_ = 0;
    runs_.clear();
    if (!order_.empty()) {
        runs_.push_back(0);
    }
}

} // namespace monarc::aggregate
