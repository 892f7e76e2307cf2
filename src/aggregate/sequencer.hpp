#pragma once

// Puts the records of several threads into the order of their stamps. The queue is first in, first
// out per thread only; cause and effect between threads show in the stamps (mona-client.md
// section 16.6).

#include "core/byte_buffer.hpp"
#include "core/record_view.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace monarc::aggregate {

class sequencer {
public:
    sequencer() = default;
    sequencer(const sequencer&) = delete;
    sequencer& operator=(const sequencer&) = delete;
    ~sequencer(); // frees the texts of records that nobody took

    // Copies the record; what it owns is then the copy's. Calls between two `sort`s come in runs
    // that are in order, one for each thread.
    void add(queued_record record);

    // Merges the runs. Records of one thread never change places.
    void sort();

    // In order: records whose stamp is at most `newest`. Call after sort().
    template <class Take>
    void take_up_to(std::uint64_t newest, Take&& take) {
        while (next_ != order_.size() && order_[next_].stamp <= newest) {
            const auto record = view(order_[next_]);
            ++next_;
            take(record);
        }
        drop_taken();
    }

    // While take_up_to is under way: whose record comes so many later, as far as that is known.
    template <class See>
    void look_ahead(std::size_t later, See&& see) const {
        if (next_ + later < order_.size()) {
            const auto& p = order_[next_ + later];
            see(record_of{
                .id_hash = p.id_hash,
                .context = p.id_hash != 0 ? nullptr : at(p.offset).view().context});
        }
    }

    std::size_t count() const noexcept { return order_.size() - next_; }
    std::size_t bytes() const noexcept { return bytes_.size(); } // of records that wait here
    std::size_t memory_bytes() const noexcept {
        return bytes_.capacity() + spare_bytes_.capacity() +
               (order_.capacity() + spare_.capacity()) * sizeof(place) +
               runs_.capacity() * sizeof(std::size_t);
    }

private:
    struct place {
        std::uint64_t stamp;
        std::uint32_t offset;
        std::uint32_t id_hash;
    };

    record_view view(const place& p) const noexcept {
        auto record = at(p.offset).view();
        record.id_hash = p.id_hash;
        return record;
    }

    queued_record at(std::size_t offset) const noexcept {
        return queued_record(bytes_.data() + offset);
    }
    void drop_taken();

    byte_buffer bytes_;
    std::vector<place> order_;
    std::vector<std::size_t> runs_; // where each run begins in order_
    std::size_t next_ = 0;
    byte_buffer spare_bytes_;
    std::vector<place> spare_;
};

} // namespace monarc::aggregate
