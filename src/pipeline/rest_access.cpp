#include "pipeline/rest_access.hpp"

#include "core/json_block.hpp"
#include "encode/json_reader.hpp"
#include "pipeline/exporter_access.hpp"
#include "pipeline/io_loop.hpp"
#include "pipeline/stage_settings.hpp"
#include "queue/record_queue.hpp"

#include <monarc/error.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <future>
#include <memory>
#include <utility>

namespace monarc::pipeline {
namespace asio = boost::asio;

namespace {

constexpr encode::json_dialect dialect{
    .takes_not_finite = true,
    .takes_any_integer = true,
    .keeps_reserved = true,
    .max_levels = rest_json_levels};

io_loop& loop_of(exporter& e) {
    auto* const loop = detail::exporter_access::loop_of(e);
    if (loop == nullptr) {
        throw std::system_error(errc::closed);
    }
    return *loop;
}

asio::awaitable<void>
sign_in(destinations::mona_rest& to, std::shared_ptr<std::promise<result<rest_address>>> answer) {
    auto found = co_await to.sign_in();
    if (!found) {
        answer->set_value(found.error());
    } else {
        rest_address where{.url = std::move(found->url), .user_id = std::move(found->user_id)};
        answer->set_value(std::move(where));
    }
}

} // namespace

rest_push push_rest_event(exporter& to, const rest_event& event) {
    std::string text = event.message;
    text.resize(event.message.size() + json_padding_bytes);
    encode::json_reader reader(dialect);
    std::string body = event.members;
    json_facts facts;
    if (!reader.read_record({text.data(), event.message.size()}, body, facts)) {
        return reader.was_json() && !reader.was_object() ? rest_push::not_object
                                                         : rest_push::not_json;
    }
    facts.class_shape = detail::shape_of<"">::load();
    facts.members_bytes = event.members.size();
    facts.drops_nulls = event.drops_nulls;
    auto* const gate = detail::exporter_access::gate_of(to);
    const auto target = target_of(std::uint32_t{intern_key(event.class_name)});
    const bool is_accepted =
        gate->enabled.load(std::memory_order_relaxed) &&
        static_cast<queue::record_queue*>(gate)->push_fields(body, event.id, facts, target);
    return is_accepted ? rest_push::accepted : rest_push::rejected;
}

void set_rest_envelope(exporter& to, const std::string& members) {
    loop_of(to).with_rest(
        [&](rest_stage& stage) { stage.destination().wire().set_envelope(members); });
}

void set_rest_random(exporter& to, std::vector<double> numbers) {
    loop_of(to).with_rest([&](rest_stage& stage) {
        stage.sampler().set_uniform(
            [numbers = std::move(numbers), next = std::size_t{0}]() mutable {
                return numbers.empty() ? 0.0 : numbers[std::min(next++, numbers.size() - 1)];
            });
    });
}

result<rest_address> rest_sign_in(exporter& to, std::chrono::milliseconds timeout) {
    const auto answer = std::make_shared<std::promise<result<rest_address>>>();
    auto found = answer->get_future();
    auto& loop = loop_of(to);
    loop.with_rest([&](rest_stage& stage) {
        auto signing = sign_in(stage.destination(), answer);
        asio::co_spawn(loop.executor(), std::move(signing), asio::detached);
    });
    if (found.wait_for(timeout) != std::future_status::ready) {
        return make_error_code(errc::timed_out);
    }
    return found.get();
}

} // namespace monarc::pipeline
