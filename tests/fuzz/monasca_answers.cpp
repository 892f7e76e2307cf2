// A body from Keystone or from Monasca's API: read as each of the things it may be, and shown.

#include "auth/keystone.hpp"
#include "fuzz/fuzz_target.hpp"
#include "monasca/json_shape.hpp"
#include "monasca/text_table.hpp"
#include "monasca_client/elements.hpp"
#include "monasca_client/refusal.hpp"

#include <cstdlib>
#include <string>

namespace monarc::fuzz {

void read(std::string_view input) {
    const std::string body(input);
    transport::http_answer answer;
    answer.status = 401;
    answer.body = body;
    answer.subject_token = "token";
    static_cast<void>(auth::newest_v3(body));
    static_cast<void>(auth::error_message(body));
    if (const auto token = auth::read_token(answer)) {
        if (token->life.count() < 0) {
            std::abort();
        }
        static_cast<void>(auth::find_endpoint(token->catalogue, "monitoring", "public", ""));
    }
    if (monasca_client::read_refusal(answer).title.empty()) {
        std::abort();
    }
    static_cast<void>(monasca_client::read_page<monasca::alarm>(body));
    static_cast<void>(monasca_client::read_page<monasca::measurements>(body));
    static_cast<void>(monasca_client::read_page<monasca::statistics>(body));
    static_cast<void>(monasca_client::read_element<monasca::alarm_definition>(body));
    static_cast<void>(monasca_client::read_counts(body));

    const auto document = tool::json_document::read(body);
    if (!document) {
        return;
    }
    const auto& root = document->root();
    const auto text = tool::dumped(root, tool::json_letters::ascii);
    if (!tool::json_document::read(text)) {
        std::abort(); // what is printed is JSON again
    }
    tool::text_table table({"a", "b", "c"});
    table.add({tool::dict_cell(root), tool::links_cell(root), tool::expression_cell(root)});
    static_cast<void>(table.drawn());
    static_cast<void>(tool::as_yaml(root));
}

} // namespace monarc::fuzz
