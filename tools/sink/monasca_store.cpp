#include "sink/monasca_store.hpp"

#include <cassert>
#include <utility>

namespace monarc::sink {
namespace {

// What the allocator and the trees take besides, measured roughly.
constexpr std::size_t bytes_per_series = 512;
constexpr std::size_t bytes_per_point = 144;

std::string key_of(const measurement& m) {
    std::string key = m.name;
    for (const auto& [name, value] : m.dimensions) {
        // Neither may contain a comma or an equals sign.
        key += ',';
        key += name;
        key += '=';
        key += value;
    }
    return key;
}

} // namespace

stored_series*
monasca_store::find_or_make(std::string_view tenant, const measurement& m, bool& is_new) {
    auto key = key_of(m);
    auto at = tenants_.find(tenant);
    if (at != tenants_.end())
        if (const auto found = at->second.find(key); found != at->second.end())
            return found->second.get();

    // Half of the memory at most, so that there is room for points.
    const auto bytes = bytes_per_series + 3 * key.size() + tenant.size() +
                       m.dimensions.size() * 2 * sizeof(std::string);
    if (series_bytes_ + bytes > max_bytes_ / 2)
        return nullptr;
    series_bytes_ += bytes;
    is_new = true;
    if (at == tenants_.end())
        at = tenants_.try_emplace(std::string(tenant)).first;
    auto made = std::make_unique<stored_series>();
    made->name = m.name;
    made->dimensions = m.dimensions;
    return at->second.try_emplace(std::move(key), std::move(made)).first->second.get();
}

monasca_store::result monasca_store::write(std::string_view tenant, const measurement& m) {
    result done;
    auto* series = find_or_make(tenant, m, done.is_new_series);
    if (series == nullptr) {
        done.how = written::not_kept;
        return done;
    }
    const auto milliseconds = static_cast<std::int64_t>(m.timestamp);
    stored_point point{.value = m.value, .value_meta = m.value_meta};
    const auto [at, is_new] = series->points.try_emplace(milliseconds);
    if (is_new) {
        ++points_;
        point_bytes_ += bytes_per_point;
        arrival_.push_back({series, milliseconds});
    } else {
        done.how = at->second == point ? written::repeat : written::overwritten;
    }
    point_bytes_ += point.value_meta.size();
    point_bytes_ -= at->second.value_meta.size();
    at->second = std::move(point);
    make_room();
    return done;
}

void monasca_store::make_room() {
    while (bytes() > max_bytes_ && !arrival_.empty()) {
        const auto oldest = arrival_.front();
        arrival_.pop_front();
        const auto at = oldest.series->points.find(oldest.milliseconds);
        assert(at != oldest.series->points.end());
        point_bytes_ -= bytes_per_point + at->second.value_meta.size();
        oldest.series->points.erase(at);
        --points_;
        ++dropped_;
    }
}

const monasca_store::series_map& monasca_store::series_of(std::string_view tenant) const {
    const auto at = tenants_.find(tenant);
    return at == tenants_.end() ? no_series_ : at->second;
}

} // namespace monarc::sink
