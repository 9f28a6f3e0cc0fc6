#include "otoscope/features/parallel.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"
#include "otoscope/kernels/gemm.h"
#include "otoscope/kernels/rows.h"

namespace otoscope::features {
namespace {

constexpr int kLengthBins = 5;

/// Cosines of all clips with all: (items, items).
Tensor<float> all_cosines(View<const float> x) {
  Tensor<float> cosines(Shape{x.rows(), x.rows()});
  if (x.rows() > 0) kernels::gemm({x}, kernels::transposed(x), cosines);
  return cosines;
}

/// What each query of one language pair finds.
struct PairSearch {
  size_t a = 0, b = 0;
  std::vector<size_t> prompts;
  std::vector<double> hits, reciprocal;  // (prompts): sums of both directions
  double matched = 0, all = 0;           // sums of cosines
};

PairSearch search_pair(View<const float> cosines, const ParallelClips& clips, size_t a, size_t b) {
  PairSearch search{a, b, {}, {}, {}, 0, 0};
  for (size_t p = 0; p < clips.prompts.size(); ++p)
    if (clips.at(p, a) >= 0 && clips.at(p, b) >= 0) search.prompts.push_back(p);
  for (const size_t p : search.prompts) {
    const int32_t mine = clips.at(p, a), other = clips.at(p, b);
    const float own = cosines.at(mine, other);
    int64_t before = 0, back = 0;
    for (const size_t q : search.prompts) {
      search.all += cosines.at(mine, clips.at(q, b));
      if (q == p) continue;
      before += cosines.at(mine, clips.at(q, b)) >= own;
      back += cosines.at(clips.at(q, a), other) >= own;
    }
    search.matched += own;
    search.hits.push_back((before == 0) + (back == 0));
    search.reciprocal.push_back(1.0 / static_cast<double>(before + 1) +
                                1.0 / static_cast<double>(back + 1));
  }
  return search;
}

std::vector<PairSearch> search_all(View<const float> cosines, const ParallelClips& clips) {
  std::vector<PairSearch> searches;
  for (size_t a = 0; a < clips.languages.size(); ++a)
    for (size_t b = a + 1; b < clips.languages.size(); ++b) {
      PairSearch search = search_pair(cosines, clips, a, b);
      if (search.prompts.size() >= 2) searches.push_back(std::move(search));
    }
  return searches;
}

Retrieval summary(std::span<const PairSearch> searches, const ParallelClips& clips, uint64_t seed) {
  const size_t P = clips.prompts.size();
  std::vector<double> hits(P, 0), reciprocal(P, 0), queries(P, 0);
  Retrieval out;
  double matched = 0, pairs = 0, others = 0, other_pairs = 0, total = 0;
  for (const PairSearch& search : searches) {
    const auto n = static_cast<double>(search.prompts.size());
    double harmonic = 0;
    for (size_t i = 0; i < search.prompts.size(); ++i) {
      hits[search.prompts[i]] += search.hits[i];
      reciprocal[search.prompts[i]] += search.reciprocal[i];
      queries[search.prompts[i]] += 2;
      harmonic += 1 / static_cast<double>(i + 1);
    }
    out.chance_top1 += 2;  // n queries each way, 1 of n right
    out.chance_mrr += 2 * harmonic;
    total += 2 * n;
    matched += search.matched, pairs += n;
    others += search.all - search.matched, other_pairs += n * (n - 1);
  }
  if (total == 0) return out;
  // Prompts that are in no pair are no clusters.
  std::vector<double> top, ranks, asked;
  for (size_t p = 0; p < P; ++p)
    if (queries[p] > 0)
      top.push_back(hits[p]), ranks.push_back(reciprocal[p]), asked.push_back(queries[p]);
  out.prompts = static_cast<int64_t>(asked.size());
  out.top1 = bootstrap_ratio(top, asked, static_cast<int64_t>(total), seed);
  out.mrr = bootstrap_ratio(ranks, asked, static_cast<int64_t>(total), seed);
  out.chance_top1 /= total, out.chance_mrr /= total;
  out.matched = matched / pairs;
  out.mismatched = others / other_pairs;
  return out;
}

/// p of the mean cosine of translations when the clips of each language change places.
double exchange_p(View<const float> cosines, const ParallelClips& clips,
                  std::span<const PairSearch> searches, bool within_length, int permutations,
                  uint64_t seed) {
  const size_t P = clips.prompts.size(), L = clips.languages.size();
  const auto mean_of = [&](const std::vector<int32_t>& at) {
    double sum = 0, n = 0;
    for (const PairSearch& search : searches)
      for (const size_t p : search.prompts)
        sum += cosines.at(at[p * L + search.a], at[p * L + search.b]), n += 1;
    return n == 0 ? 0.0 : sum / n;
  };
  const double real = mean_of(clips.clip);
  int hits = 0;
  for (int r = 0; r < permutations; ++r) {
    Rng rng(seed, name_hash("exchange of clips") + static_cast<uint64_t>(r));
    std::vector<int32_t> at = clips.clip;
    for (size_t l = 0; l < L; ++l)
      for (int bin = 0; bin < (within_length ? kLengthBins : 1); ++bin) {
        std::vector<size_t> places;
        for (size_t p = 0; p < P; ++p)
          if (clips.at(p, l) >= 0 && (!within_length || clips.length_bin[p] == bin))
            places.push_back(p);
        const auto order = rng.permutation(static_cast<int64_t>(places.size()));
        for (size_t i = 0; i < places.size(); ++i)
          at[places[i] * L + l] = clips.at(places[static_cast<size_t>(order[i])], l);
      }
    hits += mean_of(at) >= real - 1e-12;
  }
  return (1.0 + hits) / (1.0 + permutations);
}

}  // namespace

ParallelClips parallel_clips(const store::Store& store, bool test) {
  std::map<std::string, std::map<std::string, int32_t>> by_prompt;
  std::set<std::string> languages;
  const auto& items = store.items();
  for (size_t i = 0; i < items.size(); ++i) {
    const store::Item& item = items[i];
    if (!item.speech || item.language.empty() || item.prompt_id.empty() || item.n_rows == 0 ||
        (item.split == "test") != test)
      continue;
    by_prompt[item.prompt_id].emplace(item.language, static_cast<int32_t>(i));
  }
  std::erase_if(by_prompt, [](const auto& entry) { return entry.second.size() < 2; });
  for (const auto& [prompt, found] : by_prompt)
    for (const auto& [language, item] : found) languages.insert(language);

  ParallelClips clips;
  clips.languages.assign(languages.begin(), languages.end());
  std::map<int32_t, int32_t> index;
  for (const auto& [prompt, found] : by_prompt)
    for (const auto& [language, item] : found) index.emplace(item, 0);
  for (auto& [item, place] : index) {
    place = static_cast<int32_t>(clips.items.size());
    clips.items.push_back(item);
    const store::Item& named = items[static_cast<size_t>(item)];
    clips.seconds.push_back(named.duration_s);
    clips.language.push_back(static_cast<int32_t>(
        std::lower_bound(clips.languages.begin(), clips.languages.end(), named.language) -
        clips.languages.begin()));
  }
  std::vector<double> length;
  for (const auto& [prompt, found] : by_prompt) {
    clips.prompts.push_back(prompt);
    double seconds = 0;
    for (const std::string& language : clips.languages) {
      const auto here = found.find(language);
      clips.item.push_back(here == found.end() ? -1 : here->second);
      clips.clip.push_back(here == found.end() ? -1 : index.at(here->second));
      if (here != found.end())
        seconds +=
            items[static_cast<size_t>(here->second)].duration_s / static_cast<double>(found.size());
    }
    length.push_back(seconds);
  }
  const std::vector<double> ranks = mid_ranks(length);
  for (const double rank : ranks)
    clips.length_bin.push_back(
        std::min(kLengthBins - 1,
                 static_cast<int>((rank - 0.5) * kLengthBins / static_cast<double>(ranks.size()))));
  return clips;
}

std::string_view centre_name(Centre centre) {
  constexpr std::string_view kNames[] = {"as it is", "minus the language's mean",
                                         "minus the language's mean, by its deviation"};
  return kNames[static_cast<size_t>(centre)];
}

Centring fit_centring(Centre how, View<const float> x, const ParallelClips& learning) {
  OTO_ASSERT(x.rows() == static_cast<int64_t>(learning.items.size()));
  const int64_t D = x.width(), L = static_cast<int64_t>(learning.languages.size());
  Centring out;
  out.how = how;
  out.languages = learning.languages;
  out.mean = Tensor<float>(Shape{L, D});
  out.scale.assign(static_cast<size_t>(D), 1.0f);
  if (how == Centre::none) return out;
  std::vector<double> sums(static_cast<size_t>(L * D), 0), count(static_cast<size_t>(L), 0);
  for (int64_t i = 0; i < x.rows(); ++i) {
    const int32_t l = learning.language[static_cast<size_t>(i)];
    count[static_cast<size_t>(l)] += 1;
    for (int64_t j = 0; j < D; ++j) sums[static_cast<size_t>(l * D + j)] += x.at(i, j);
  }
  for (int64_t l = 0; l < L; ++l)
    for (int64_t j = 0; j < D; ++j)
      out.mean.at(l, j) = static_cast<float>(sums[static_cast<size_t>(l * D + j)] /
                                             std::max(1.0, count[static_cast<size_t>(l)]));
  if (how == Centre::language) return out;
  std::vector<double> squares(static_cast<size_t>(D), 0);
  for (int64_t i = 0; i < x.rows(); ++i) {
    const int32_t l = learning.language[static_cast<size_t>(i)];
    for (int64_t j = 0; j < D; ++j)
      squares[static_cast<size_t>(j)] += std::pow(x.at(i, j) - out.mean.at(l, j), 2);
  }
  // A coordinate that hardly moves would be blown up by its own deviation: a floor of a hundredth
  // of the typical one.
  double typical = 0;
  for (double& square : squares) {
    square = std::sqrt(square / static_cast<double>(std::max<int64_t>(1, x.rows())));
    typical += square / static_cast<double>(D);
  }
  for (size_t j = 0; j < squares.size(); ++j)
    out.scale[j] =
        squares[j] <= 0 ? 0.0f : static_cast<float>(1 / std::max(squares[j], typical / 100));
  return out;
}

Tensor<float> centred(View<const float> x, const ParallelClips& clips, const Centring& centring) {
  OTO_ASSERT(x.rows() == static_cast<int64_t>(clips.items.size()));
  Tensor<float> out = Tensor<float>::copy_of(x);
  std::vector<int64_t> fitted;
  for (const std::string& language : clips.languages) {
    const auto found = std::find(centring.languages.begin(), centring.languages.end(), language);
    OTO_ASSERT(found != centring.languages.end());
    fitted.push_back(found - centring.languages.begin());
  }
  for (int64_t i = 0; i < x.rows() && centring.how != Centre::none; ++i) {
    const int64_t l = fitted[static_cast<size_t>(clips.language[static_cast<size_t>(i)])];
    for (int64_t j = 0; j < x.width(); ++j)
      out.at(i, j) = (x.at(i, j) - centring.mean.at(l, j)) * centring.scale[static_cast<size_t>(j)];
  }
  kernels::normalize_rows(out);
  return out;
}

RetrievalResult retrieve(View<const float> x, const ParallelClips& clips, int permutations,
                         uint64_t seed) {
  const Tensor<float> cosines = all_cosines(x);
  const std::vector<PairSearch> searches = search_all(cosines, clips);
  RetrievalResult out;
  out.all = summary(searches, clips, seed);
  for (const PairSearch& search : searches) {
    out.pairs.push_back(summary(std::span(&search, 1), clips, seed));
    out.pairs.back().a = clips.languages[search.a];
    out.pairs.back().b = clips.languages[search.b];
  }
  out.p = exchange_p(cosines, clips, searches, false, permutations, seed);
  out.p_length = exchange_p(cosines, clips, searches, true, permutations, seed + 1);
  return out;
}

double mean_reciprocal_rank(View<const float> x, const ParallelClips& clips) {
  const Tensor<float> cosines = all_cosines(x);
  double sum = 0, queries = 0;
  for (const PairSearch& search : search_all(cosines, clips)) {
    sum += std::accumulate(search.reciprocal.begin(), search.reciprocal.end(), 0.0);
    queries += 2 * static_cast<double>(search.prompts.size());
  }
  return queries == 0 ? 0 : sum / queries;
}

}  // namespace otoscope::features
