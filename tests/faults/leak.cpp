// Forgets the only pointer to a heap block.
#include <cstddef>

namespace {

char* volatile only_pointer = nullptr;

} // namespace

int main(int argc, char**) {
    only_pointer = new char[static_cast<std::size_t>(argc) + 4095];
    only_pointer = nullptr;
    return 0;
}
