#include "model/tokenizer/bpe.h"

#include <queue>

namespace otoscope::model {
namespace {

/// A run of bytes that is a token, linked to its neighbours.
struct Part {
  int32_t length = 1, previous = -1, next = -1;
};

/// Two parts that may join; stale when either has grown since.
struct Join {
  int32_t rank, place, left_length, right_length;
  bool operator>(const Join& other) const {
    return rank != other.rank ? rank > other.rank : place > other.place;
  }
};

}  // namespace

// A queue of joins: n log n even for a piece of a megabyte.
void Tokenizer::Bpe::encode(std::string_view piece, std::vector<int64_t>& out) const {
  const auto n = static_cast<int32_t>(piece.size());
  std::vector<Part> parts(piece.size());
  std::priority_queue<Join, std::vector<Join>, std::greater<>> queue;
  const auto part = [&](int32_t place) -> Part& { return parts[static_cast<size_t>(place)]; };
  const auto bytes = [&](int32_t place, int32_t length) {
    return piece.substr(static_cast<size_t>(place), static_cast<size_t>(length));
  };
  const auto offer = [&](int32_t place) {
    if (place < 0 || part(place).next < 0) return;
    const int32_t left = part(place).length, right = part(part(place).next).length;
    const auto found = tokens.find(bytes(place, left + right));
    if (found != tokens.end()) queue.push(Join{found->second.rank, place, left, right});
  };
  for (int32_t i = 0; i < n; ++i) part(i) = {1, i - 1, i + 1 < n ? i + 1 : -1};
  for (int32_t i = 0; i < n; ++i) offer(i);
  while (!queue.empty()) {
    const Join join = queue.top();
    queue.pop();
    Part& left = part(join.place);
    if (left.length != join.left_length || left.next < 0) continue;
    Part& right = part(left.next);
    if (right.length != join.right_length) continue;
    left.length += right.length;
    right.length = 0;  // gone: no join finds it again
    left.next = right.next;
    if (left.next >= 0) part(left.next).previous = join.place;
    offer(left.previous);
    offer(join.place);
  }
  for (int32_t i = n > 0 ? 0 : -1; i >= 0; i = part(i).next)
    out.push_back(tokens.find(bytes(i, part(i).length))->second.id);
}

}  // namespace otoscope::model
