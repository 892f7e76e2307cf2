#include "aggregate/sequencer.hpp"

#include <algorithm>
#include <cstring>

namespace monarc::aggregate {
namespace {

// What stands in front of the body and the id of a kept record.
struct kept_head {
    std::uint64_t stamp;
    std::int64_t when;
    detail::context_entry* context;
    std::uint32_t shape;
    std::uint16_t body_bytes;
    std::uint16_t id_bytes;
};

} // namespace

void sequencer::add(const record_view& record) {
    const kept_head head{
        .stamp = record.stamp,
        .when = record.when,
        .context = record.context,
        .shape = record.shape,
        .body_bytes = static_cast<std::uint16_t>(record.body.size()),
        .id_bytes = static_cast<std::uint16_t>(record.id.size())};
    const auto total = sizeof head + record.body.size() + record.id.size();
    char* to = bytes_.room_for(total);
    if (order_.empty() || record.stamp < order_.back().stamp) {
        runs_.push_back(order_.size());
    }
    order_.push_back({.stamp = record.stamp, .offset = bytes_.size()});
    std::memcpy(to, &head, sizeof head);
    to = std::copy(record.body.begin(), record.body.end(), to + sizeof head);
    std::copy(record.id.begin(), record.id.end(), to);
    bytes_.commit(total);
}

record_view sequencer::at(std::size_t offset) const noexcept {
    kept_head head;
    std::memcpy(&head, bytes_.data() + offset, sizeof head);
    const char* const body = bytes_.data() + offset + sizeof head;
    return {
        .shape = head.shape,
        .stamp = head.stamp,
        .when = head.when,
        .context = head.context,
        .body = {body, head.body_bytes},
        .id = {body + head.body_bytes, head.id_bytes}};
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
    spare_bytes_.clear();
    spare_.clear();
    for (; next_ != order_.size(); ++next_) {
        const auto record = at(order_[next_].offset);
        const auto* const from = bytes_.data() + order_[next_].offset;
        spare_.push_back({.stamp = order_[next_].stamp, .offset = spare_bytes_.size()});
        spare_bytes_.append({from, sizeof(kept_head) + record.body.size() + record.id.size()});
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
