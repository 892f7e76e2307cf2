// The public face: wires the stages together and guards the calls that may come at any time.

#include "core/context_entry.hpp"
#include "core/options.hpp"
#include "core/utf8.hpp"
#include "pipeline/exporter_access.hpp"
#include "pipeline/io_loop.hpp"
#include "pipeline/series_registry.hpp"
#include "queue/record_queue.hpp"

#include <monarc/error.hpp>
#include <monarc/exporter.hpp>

#include <algorithm>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace monarc {

struct exporter::state {
    state(queue::record_queue& q, const exporter_options& options)
        : queue(q), close_timeout(options.close_timeout),
          has_mona(!std::holds_alternative<std::monostate>(options.mona)),
          has_monasca(options.monasca.has_value()), derive(options.derive),
          registry(
              options.monasca ? pipeline::added_dimensions(*options.monasca)
                              : monasca_rules::text_pairs()) {}

    // Whether anybody wants records of contexts of this class.
    bool wants(std::string_view class_name) const {
        return has_mona || (has_monasca && std::any_of(derive.begin(), derive.end(), [&](auto& d) {
                                return d.from.class_name == class_name;
                            }));
    }

    queue::record_queue& queue; // lives until the process ends
    std::unique_ptr<pipeline::io_loop> loop;
    std::chrono::milliseconds close_timeout;
    bool has_mona;
    bool has_monasca;
    std::vector<derived_series> derive;
    pipeline::series_registry registry;
};

detail::gate* detail::exporter_access::gate_of(const exporter& e) noexcept {
    return e.gate_;
}

pipeline::io_loop* detail::exporter_access::loop_of(const exporter& e) noexcept {
    return e.state_ != nullptr ? e.state_->loop.get() : nullptr;
}

namespace {

queue::record_queue& make_queue(const exporter_options& options) {
    return *new queue::record_queue(
        {.capacity_slots = options.queue.capacity,
         .memory_limit = options.memory_limit,
         .has_destination =
             !std::holds_alternative<std::monostate>(options.mona) || options.monasca.has_value(),
         .clock = {.counter = options.clock != clock_source::system && counter_is_usable()},
         .block_timeout = options.queue.block_timeout});
}

// A gate that is shut, for an exporter that could not be started.
queue::record_queue& shut_queue() {
    exporter_options least;
    least.queue.capacity = queue::block_slots;
    auto& q = make_queue(least);
    q.shut();
    q.release_storage();
    return q;
}

flush_result refused(errc why) noexcept {
    flush_result result;
    result.error = why;
    return result;
}

} // namespace

exporter::exporter(exporter_options options) {
    if (const auto wrong = validate(options); !wrong.empty()) {
        throw std::system_error(errc::bad_options, wrong);
    }
    auto& q = make_queue(options);
    gate_ = &q;
    q.enabled.store(options.enabled, std::memory_order_relaxed);
    try {
        auto fresh = std::make_unique<state>(q, options);
        fresh->loop = std::make_unique<pipeline::io_loop>(options, q);
        state_ = fresh.release();
    } catch (...) {
        q.shut();
        q.release_storage();
        throw;
    }
}

exporter::exporter(exporter_options options, std::error_code& ec) noexcept {
    ec.clear();
    try {
        exporter started(std::move(options));
        gate_ = started.gate_;
        state_ = std::exchange(started.state_, nullptr);
        return;
    } catch (const std::system_error& error) {
        ec = error.code();
    } catch (const std::bad_alloc&) {
        ec = std::make_error_code(std::errc::not_enough_memory);
    } catch (...) {
        ec = std::make_error_code(std::errc::io_error);
    }
    gate_ = &shut_queue();
    state_ = nullptr;
}

exporter::~exporter() {
    if (state_ == nullptr || state_->queue.is_inert()) {
        return; // in a forked child the thread is not there; nothing can be joined or destroyed
    }
    close(state_->close_timeout);
    delete state_;
}

namespace {

std::unique_ptr<detail::context_entry>
make_entry(queue::record_queue& queue, std::string_view class_name, std::string_view id) {
    auto entry = std::make_unique<detail::context_entry>();
    entry->queue = &queue;
    entry->class_name = intern_key(class_name);
    if (entry->class_name == key_too_long || id.size() > detail::max_id_bytes) {
        entry->refusal = reason::oversize;
    } else if (entry->class_name == key_without_room) {
        entry->refusal = reason::too_many_names;
    } else {
        entry->id_repaired = append_utf8(id, entry->id);
    }
    return entry;
}

} // namespace

context exporter::open_context(std::string_view class_name, std::string_view id) {
    auto& queue = *static_cast<queue::record_queue*>(gate_);
    auto entry = make_entry(queue, class_name, id);
    if (state_ != nullptr && !state_->wants(class_name)) {
        entry->refusal = reason::no_destination;
    }
    return context(entry.release());
}

series exporter::open_series(std::string_view name, dimensions dims, series_options options) {
    auto entry = std::make_unique<detail::context_entry>();
    entry->queue = static_cast<queue::record_queue*>(gate_);
    if (state_ != nullptr) {
        entry->series = state_->registry.open(name, dims, options);
        if (!state_->has_monasca) {
            entry->refusal = reason::no_destination;
        }
    } else { // closed: the gate refuses
        entry->series = pipeline::series_registry({}).open(name, dims, options);
    }
    return series(context(entry.release()));
}

bool exporter::warm_up() noexcept {
    return static_cast<queue::record_queue*>(gate_)->warm_up();
}

flush_result exporter::flush(std::chrono::milliseconds timeout) noexcept {
    if (state_ == nullptr || state_->queue.is_inert()) {
        return refused(errc::closed);
    }
    if (state_->loop->is_own_thread()) {
        return refused(errc::would_deadlock);
    }
    try {
        return state_->loop->flush(timeout);
    } catch (...) {
        flush_result failed;
        failed.error = std::make_error_code(std::errc::not_enough_memory);
        return failed;
    }
}

flush_result exporter::close(std::chrono::milliseconds timeout) noexcept {
    if (state_ == nullptr || state_->queue.is_inert()) {
        return refused(errc::closed);
    }
    if (state_->loop->is_own_thread()) {
        return refused(errc::would_deadlock);
    }
    return state_->loop->close(timeout);
}

void exporter::retry_now() noexcept {
    if (state_ != nullptr && !state_->queue.is_inert()) {
        try {
            state_->loop->retry_now();
        } catch (...) { // no memory to ask for it: the wait ends by itself
        }
    }
}

void exporter::set_enabled(bool on) noexcept {
    gate_->enabled.store(on, std::memory_order_relaxed);
}
bool exporter::is_enabled() const noexcept {
    return gate_->enabled.load(std::memory_order_relaxed);
}

exporter_stats exporter::stats() const {
    if (state_ == nullptr || state_->queue.is_inert()) {
        return {};
    }
    return state_->loop->stats();
}

// --- handles
// ---------------------------------------------------------------------------------------------------------

context::context(detail::context_entry* entry) noexcept : exporter_(entry->queue), entry_(entry) {}

context::context(const context& other) noexcept : exporter_(other.exporter_), entry_(other.entry_) {
    if (entry_ != nullptr) {
        entry_->shares.fetch_add(1, std::memory_order_relaxed);
    }
}

context::~context() {
    if (entry_ != nullptr && entry_->shares.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        entry_->queue->release(entry_);
    }
}

bool context::push(const record& fields) const noexcept {
    if (!exporter_->enabled.load(std::memory_order_relaxed)) {
        return false;
    }
    return fields.push({exporter_, entry_, {}, detail::no_time}, 0);
}

bool stamped_context::push(const record& fields) const noexcept {
    if (!to_.exporter_->enabled.load(std::memory_order_relaxed)) {
        return false;
    }
    return fields.push({to_.exporter_, to_.entry_, {}, when_}, 0);
}

bool context::push_json(std::string_view object) const noexcept {
    return exporter_->enabled.load(std::memory_order_relaxed) &&
           detail::push_json({exporter_, entry_, {}, detail::no_time}, 0, object);
}

bool stamped_context::push_json(std::string_view object) const noexcept {
    return to_.exporter_->enabled.load(std::memory_order_relaxed) &&
           detail::push_json({to_.exporter_, to_.entry_, {}, when_}, 0, object);
}

context context::sub(std::string_view id, std::string_view class_name) const {
    std::string whole(entry_->id);
    whole += '.';
    whole += id;
    auto entry = make_entry(*entry_->queue, class_name, whole);
    entry->id_repaired = entry->id_repaired || entry_->id_repaired;
    if (entry_->refusal) {
        entry->refusal = entry_->refusal; // its id is not there to be continued
    }
    return context(entry.release());
}

void context::close() noexcept {
    if (entry_ != nullptr) {
        entry_->queue->close(entry_);
    }
}

std::string_view context::id() const noexcept {
    return entry_ != nullptr ? std::string_view(entry_->id) : std::string_view();
}

} // namespace monarc
