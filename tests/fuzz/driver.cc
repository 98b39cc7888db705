// Runs a fuzz target where there is no libFuzzer: mutates the files of a corpus at random, for as long as it is told
// to.
//
// Usage: PROGRAM SECONDS SEED FOLDER. Prints how many inputs were tried.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

const char* const kWords[] = {"\r\n",
                              "\n",
                              "\r",
                              ":",
                              " ",
                              "\t",
                              "0\r\n\r\n",
                              "Host: h\r\n",
                              "Content-Length: 5\r\n",
                              "Transfer-Encoding: chunked\r\n",
                              "GET / HTTP/1.1\r\n",
                              ";a=b",
                              "\"",
                              ",",
                              "%",
                              "\x80"};

void mutate(std::string& text, const std::vector<std::string>& corpus, std::mt19937& chance) {
  const auto below = [&](std::size_t limit) { return limit == 0 ? 0 : chance() % limit; };
  for (unsigned changes = 1 + chance() % 4; changes > 0; --changes) {
    const std::size_t place = below(text.size());
    switch (chance() % 6) {
      case 0:
        text[place] = static_cast<char>(chance());
        break;
      case 1:
        text.erase(place, 1 + below(8));
        break;
      case 2:
        text.insert(place, 1, static_cast<char>(chance()));
        break;
      case 3:
        text.insert(place, kWords[below(std::size(kWords))]);
        break;
      case 4:
        text.insert(place, text.substr(below(text.size()), below(32)));
        break;
      default:
        text = text.substr(0, place) + corpus[below(corpus.size())].substr(below(16));
        break;
    }
    if (text.empty()) text = "x";
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  std::vector<std::string> corpus;
  for (const auto& entry : std::filesystem::directory_iterator(argv[3])) {
    std::ifstream file(entry.path(), std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  std::mt19937 chance(static_cast<std::uint32_t>(std::atoi(argv[2])));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(std::atoi(argv[1]));
  std::uint64_t count = 0;
  while (count % 256 != 0 || std::chrono::steady_clock::now() < end) {
    std::string text = corpus[chance() % corpus.size()];
    mutate(text, corpus, chance);
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    ++count;
  }
  std::printf("tried %llu inputs\n", static_cast<unsigned long long>(count));
  return 0;
}
