// Reads one byte past the end of a heap block.
#include <cstddef>
#include <memory>

int main(int argc, char**) {
    const auto size = static_cast<std::size_t>(argc) + 7; // unknown to the compiler
    const auto bytes = std::make_unique<char[]>(size);
    const volatile char* first = bytes.get();

    return first[size];
}
