#include "otoscope/store/joined.h"

#include <map>
#include <set>

#include "otoscope/core/errors.h"
#include "otoscope/io/hash.h"

namespace otoscope::store {

Manifest join(std::vector<Manifest> parts) {
  OTO_ASSERT(!parts.empty());
  Manifest all;
  all.path = parts.front().path;
  std::map<std::string, std::string> split_of_prompt;
  std::set<std::string> ids;
  std::string hashes;
  int corpus = 0;
  for (Manifest& part : parts) {
    assign_splits(part.clips);
    for (Clip& clip : part.clips) {
      const auto known = split_of_prompt.find(clip.prompt_id);
      if (known != split_of_prompt.end()) clip.split = known->second;
      if (parts.size() > 1 && !ids.insert(clip.id).second)
        throw UserError(part.path.string(), "the id " + clip.id + " is in another corpus too",
                        "give each corpus once");
      clip.corpus = corpus;
      all.clips.push_back(std::move(clip));
    }
    ++corpus;
    // Only now: within a corpus its own rule decides.
    for (size_t i = all.clips.size() - part.clips.size(); i < all.clips.size(); ++i)
      if (!all.clips[i].prompt_id.empty())
        split_of_prompt.emplace(all.clips[i].prompt_id, all.clips[i].split);
    hashes += part.sha256;
  }
  all.sha256 = parts.size() == 1 ? parts.front().sha256 : io::sha256(hashes);
  return all;
}

}  // namespace otoscope::store
